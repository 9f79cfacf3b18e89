import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfiguration } from '../../src/config/config.js';
import { SETTINGS, type SettingKey, variableOf } from '../../src/config/settings.js';
import { PROJECT } from '../support/programs.js';

interface Service {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly ports?: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
}

const text = readFileSync(join(PROJECT, 'deploy/compose.yaml'), 'utf8');
const compose = parse(text, { merge: true }) as {
  readonly services: Readonly<Record<'linkgrant' | 'database', Service>>;
  readonly networks: Readonly<Record<string, object>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};
const services = Object.values(compose.services);
const { linkgrant: service, database } = compose.services;

/** The variables of `.env` in the comment of the file. */
const dotEnv = Object.fromEntries(
  [...text.matchAll(/^# {3}(LINKGRANT_\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
) as Record<string, string>;

/** A value as Compose substitutes it from `.env`. */
function substitute(value: string): string {
  return value.replace(/\$\{(\w+)(?::-([^}]*)|:\?[^}]+)?\}/g, (whole, name: string, otherwise?: string) => {
    const found = dotEnv[name] ?? otherwise;
    if (found === undefined) throw new Error(`${whole} is not in the comment`);
    return found;
  });
}

describe('deploy/compose.yaml', () => {
  it('uses only networks, secrets and volumes that it declares', () => {
    for (const one of services) {
      for (const network of one.networks) expect(Object.keys(compose.networks)).toContain(network);
      for (const secret of one.secrets) expect(Object.keys(compose.secrets)).toContain(secret);
      for (const volume of one.volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
    }
  });

  it('confines both containers, and publishes only the port of the service', () => {
    for (const one of services) {
      expect(one).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        healthcheck: { test: expect.arrayContaining(['CMD']) },
      });
    }
    expect(service.ports).toEqual(['9090:9090']);
    expect(database.ports).toBeUndefined();
    expect(database.networks).toEqual(['store']);
    expect(compose.networks.store).toEqual({ internal: true });
  });

  it('stores secrets in files, and none in a variable', () => {
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\/[a-z-]+$/);
    for (const { environment, secrets } of services) {
      for (const [name, value] of Object.entries(environment)) {
        expect(value, name).not.toMatch(/:\/\/[^@/]*:[^@/]*@/);
        if (/PASSWORD/.test(name)) expect(name).toMatch(/_FILE$/);
        for (const [, secret = ''] of value.matchAll(/\/run\/secrets\/([\w-]+)/g))
          expect(secrets).toContain(secret);
      }
    }
  });

  it('stores data on the volume of the image, and has the health check of the image', () => {
    const dockerfile = readFileSync(join(PROJECT, 'Dockerfile'), 'utf8');
    const [, volume] = /^VOLUME (\S+)$/m.exec(dockerfile) ?? [];
    expect(service.volumes).toEqual([`data:${volume}`]);
    const [, probe = ''] = /^HEALTHCHECK .* CMD (\[.+\])$/m.exec(dockerfile) ?? [];
    expect(service.healthcheck.test).toEqual(['CMD', ...JSON.parse(probe)]);
    const [, user] = /^USER (\d+):\d+$/m.exec(dockerfile) ?? [];
    expect(text).toContain(`chown ${user} secrets/pgpass`);
  });

  it('sets existing settings to valid values', () => {
    const variables = (Object.keys(SETTINGS) as SettingKey[]).map(variableOf);
    const environment = Object.fromEntries(
      Object.entries(service.environment).map(([name, value]) => [name, substitute(value)]),
    );
    expect(Object.keys(environment).filter((name) => !variables.includes(name))).toEqual([]);
    const { settings, warnings } = loadConfiguration({}, environment);
    expect(warnings).toEqual([]);
    expect(settings.host).toEqual(['grants.example.com']);
    expect(settings.store).toMatchObject({
      kind: 'postgres',
      user: database.environment.POSTGRES_USER,
      database: database.environment.POSTGRES_DB,
      passfile: '/run/secrets/pgpass',
    });
  });
});

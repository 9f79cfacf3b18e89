import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { expectSuccess, json, linkgrant, Workplace } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { PROJECT } from '../support/programs.js';
import { releaseAfterFile } from '../support/release.js';
import { createTestDatabase } from '../support/stores/postgres-server.js';

const text = readFileSync(join(PROJECT, 'deploy/compose.yaml'), 'utf8');
const { environment, healthcheck } = parse(text, { merge: true }).services.linkgrant as {
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck: { readonly test: readonly string[] };
};
const PROGRAM = '/app/dist/main.js';

const database = releaseAfterFile(await createTestDatabase());
const place = releaseAfterFile(new Workplace());

/** The words that follow the program in a command of the file. */
function wordsOf(command: readonly string[]): readonly string[] {
  const at = command.indexOf(PROGRAM);
  expect(at).toBeGreaterThan(0);
  return command.slice(at + 1);
}

/** A value of the file, with the address and the password file of the test database. */
function adapt(value: string): string {
  const names: readonly [string, string][] = [
    ['linkgrant@database/linkgrant', database.url.replace(/^postgres:\/\//, '')],
    ['/run/secrets/pgpass', place.path('pgpass')],
  ];
  return names.reduce((now, [name, found]) => now.replace(name, found), value);
}

const [, written = ''] = /printf '(database:\*:\*:\*:%s)\\n'/.exec(text) ?? [];
const line = written.replace('database', new URL(database.url).hostname).replace('%s', database.password);
writeFileSync(place.path('pgpass'), `${line}\n`, { mode: 0o600 });
const dotEnv = Object.fromEntries(
  [...text.matchAll(/^# {3}(LINKGRANT_\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
);
const set = Object.entries(environment).map(([name, value]) => [name, dotEnv[name] ?? adapt(value)]);
const opsListen = `127.0.0.1:${await freePort()}`;
const inContainer = {
  env: {
    ...Object.fromEntries(set),
    LINKGRANT_DATA_DIR: place.path('data'),
    LINKGRANT_OPS_LISTEN: opsListen,
  },
};
const service = await place.serve(['--ops-listen', opsListen], inContainer);

it('deploy/compose.yaml starts a service with PostgreSQL that is healthy and issues tokens as shown', async () => {
  const probe = () => linkgrant(wordsOf(healthcheck.test), inContainer);
  expect(await probe()).toMatchObject({ code: 0, stdout: 'ok\n' });
  const [, shown = ''] = /compose exec linkgrant (node .+)$/m.exec(text) ?? [];
  const issued = expectSuccess(await linkgrant(wordsOf(shown.split(' ')), inContainer));
  const redeem = ['token', 'redeem', '-', '--to', '-', '--data-dir', place.path('site')];
  const route = ['--connect-to', `grants.example.com:${service.port}:127.0.0.1:${service.port}`];
  expectSuccess(await linkgrant([...redeem, ...route], { input: issued.stdout }));
  expect(await database.sql('SELECT subject FROM linkgrant.redemptions')).toHaveLength(1);
  expect(json(await linkgrant(['grant', 'list', '-o', 'json'], inContainer))).toMatchObject([
    { name: 'west', redemptions: 1 },
  ]);
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  expect((await probe()).code).toBe(1);
});

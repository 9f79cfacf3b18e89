import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Flags, loadConfiguration } from '../../../src/config/config.js';
import { directoryForFile } from '../../support/release.js';

const directory = directoryForFile();

function fromFile(yaml: string) {
  const file = join(directory, 'config.yaml');
  writeFileSync(file, yaml);
  return loadConfiguration({ config: file }, {}, true);
}

describe('a configuration file', () => {
  it('can have numbers and booleans without quotes', () => {
    const { settings } = fromFile(
      'tlsMinVersion: 1.3\nstockReplayWindow: 0\nworkers: 2\nallowRedeemByKey: true\n',
    );
    expect(settings).toMatchObject({
      tlsMinVersion: '1.3',
      stockReplayWindow: 0,
      workers: 2,
      allowRedeemByKey: true,
    });
  });

  it.each(['toString', 'constructor', '__proto__'])('is refused with the unknown key %s', (key) => {
    expect(() => fromFile(`"${key}": x\n`)).toThrow(`has an unknown key, ${key}`);
  });

  it.each([
    ...['dataDir', 'kubeconfig', 'consoleSecretFile', 'observer', 'observerCa', 'observerCredentials'],
    ...['server', 'serverCa', 'serverTokenFile'],
  ])('cannot contain %s, which has a flag and a variable', (key) => {
    expect(() => fromFile(`"${key}": x\n`)).toThrow(`cannot contain ${key}`);
  });
});

describe('an environment variable', () => {
  it.each(['constructor', 'toString', 'yes', '1'])('cannot be "%s" for a boolean setting', (value) => {
    const env = { LINKGRANT_ALLOW_REDEEM_BY_KEY: value };
    expect(() => loadConfiguration({}, env, true)).toThrow(
      'allowRedeemByKey (variable LINKGRANT_ALLOW_REDEEM_BY_KEY) cannot be',
    );
  });
});

it('a listener is off if a variable has "off", also with a space', () => {
  const env = { LINKGRANT_OPS_LISTEN: 'off ' };
  expect(loadConfiguration({}, env, true).settings.opsListen).toBeUndefined();
});

describe('the settings of the admin API', () => {
  const listen = { adminListen: '127.0.0.1:0' };
  const issuer = { ...listen, adminIssuer: 'https://id.example.com' };
  const audience = { ...issuer, adminAudience: 'a' };
  it.each<[Flags, string]>([
    [listen, '--admin-listen requires --admin-issuer'],
    [issuer, '--admin-listen requires --admin-audience'],
    [{ ...audience, adminTlsCert: '/tls.crt' }, '--admin-tls-cert requires --admin-tls-key'],
    [{ ...audience, adminAlgorithm: ['HS256'] }, 'adminAlgorithm (flag --admin-algorithm) cannot be "HS256"'],
    [{ ...audience, adminAlgorithm: ['none'] }, 'adminAlgorithm (flag --admin-algorithm) cannot be "none"'],
  ])('are refused: %o', (flags, message) => {
    expect(() => loadConfiguration(flags, {}, true)).toThrow(message);
  });

  it('the algorithms can be separated by commas with spaces in a variable', () => {
    const env = { LINKGRANT_ADMIN_ALGORITHM: 'RS256, ES256' };
    expect(loadConfiguration(audience, env, true).settings.adminAlgorithm).toEqual(['RS256', 'ES256']);
  });

  it('the admin API is off by default', () => {
    expect(loadConfiguration({}, {}).settings.adminListen).toBeUndefined();
  });
});

describe('several scopes', () => {
  it('are separated by commas in a variable, and passed as repeated flags on the command line', () => {
    const variable = loadConfiguration({}, { LINKGRANT_CONSOLE_SCOPE: 'openid,groups' }, true);
    const flags = loadConfiguration({ consoleScope: ['openid', 'groups'] }, {}, true);
    expect([variable, flags].map(({ settings }) => settings.consoleScope)).toEqual([
      ['openid', 'groups'],
      ['openid', 'groups'],
    ]);
    expect(() => loadConfiguration({ consoleScope: ['openid,groups'] }, {}, true)).toThrow(
      'consoleScope (flag --console-scope) cannot be "openid,groups"',
    );
  });
});

describe('a setting that has no effect without another one', () => {
  it.each([
    [{ loginClient: 'linkgrant-cli' }, '--login-client requires --admin-listen'],
    [{ loginScope: ['openid'] }, '--login-scope requires --login-client'],
    [{ webhookSecretFile: '/secret' }, '--webhook-secret-file requires --webhook'],
  ])('is refused: %o', (flags, message) => {
    expect(() => loadConfiguration(flags, {}, true)).toThrow(message);
  });
});

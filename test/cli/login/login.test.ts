import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { withAdministration } from '../../../src/cli/session/administration-session.js';
import { commandContext, runInContext } from '../../../src/config/command-context.js';
import { AUDIENCE_URL, LOGIN_CLIENT, startOidcIssuer } from '../../admin/oidc-issuer.js';
import { makeIssuerKey, startAdminService } from '../../support/admin-api.js';
import { Browser, type Decision } from '../../support/browser.js';
import {
  ENDPOINT,
  type Ended,
  expectRefusal,
  json,
  linkgrant,
  linkgrantProcess,
  type Running,
  refusalOf,
  startLinkgrant,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { makeIdentity } from '../../support/server-identity.js';
import { serveTcp } from '../../support/servers/hostile-server.js';
import { relayTo } from '../../support/servers/local-server.js';
import { until } from '../../support/until.js';

const provider = releaseAfterFile(await startOidcIssuer(await makeIssuerKey('one')));
const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
const caFile = `${dataDir}/issuers/linkgrant-server-ca/tls.crt`;
const home = place.path('config');
const env = { XDG_CONFIG_HOME: home };
const logins = `${home}/linkgrant/logins`;
const file = `${logins}/hub.json`;
const { adminPort } = await place.serve([
  ...['--data-dir', dataDir, ...ENDPOINT],
  ...['--admin-listen', '127.0.0.1:0', '--admin-issuer', provider.issuer, '--admin-audience', AUDIENCE_URL],
  ...['--login-client', LOGIN_CLIENT, '--login-scope', 'openid', '--login-scope', 'profile'],
  ...['--login-scope', 'offline_access'],
]);
const server = `https://127.0.0.1:${adminPort}`;

const startLogin = (words: readonly string[]) =>
  startLinkgrant(['login', ...words, '--server-ca', caFile], { env });

/** Opens the URL that a running login shows, and returns how the login ended. */
async function finish(running: Running, user: string, decision?: Decision): Promise<Ended> {
  const loginUrl = () => /^ {2}(http\S+)$/m.exec(running.said.stdout)?.[1];
  await until(() => loginUrl() !== undefined || running.child.exitCode !== null);
  await new Browser().logIn(loginUrl() ?? '', user, { decision });
  return running.ended;
}
const logIn = (user: string, words: readonly string[] = [server, '--name', 'hub']) =>
  finish(startLogin(words), user);
const remote = (words: readonly string[]) => linkgrant([...words, '--server', 'hub'], { env });
const stored = () => JSON.parse(readFileSync(file, 'utf8'));
const change = (fields: object) => writeFileSync(file, JSON.stringify({ ...stored(), ...fields }));

/** Runs a login that is refused at once. Returns its exit code, error and hint. */
async function refusedLogin(...words: readonly string[]) {
  const ended = await linkgrant(['login', ...words], { env });
  return [ended.code, refusalOf(ended).error, refusalOf(ended).hint];
}
const refusal = (code: number, error: string, hint: string) => [
  code,
  expect.stringContaining(error),
  expect.stringContaining(hint),
];

describe('linkgrant login', () => {
  it('a login in a browser stores tokens that only the user can read, for commands that name it', async () => {
    const ended = await logIn('ada');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain(`Logged in to ${server} as ada@example.com (operator).`);
    expect(ended.stdout).toContain('--server hub');
    expect([file, logins].map((path) => statSync(path).mode & 0o777)).toEqual([0o600, 0o700]);
    expect((await remote(['grant', 'create', 'made-by-ada'])).code).toBe(0);
    const byVariable = { env: { ...env, LINKGRANT_SERVER: 'hub' } };
    expect((await linkgrant(['grant', 'list', '-o', 'name'], byVariable)).stdout).toBe('made-by-ada\n');
  });

  it('a login on another device shows a URL and a code, and stores nothing if the user denies it', async () => {
    const onDevice = (name: string) => startLogin([server, '--name', name, '--device']);
    const [ended, denied] = await Promise.all([
      finish(onDevice('hub'), 'vera'),
      finish(onDevice('denied'), 'ada', 'deny'),
    ]);
    expect(ended.stdout).toMatch(/^Open http\S+\/device on any device and enter the code [A-Z]{4}-[A-Z]{4}/);
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(expectRefusal(denied, 3).error).toContain('aborted');
    expect(readdirSync(logins)).not.toContain('denied.json');
  });

  it('whoami shows the user, and the role that the service reports, which limits commands', async () => {
    expect(json(await linkgrant(['whoami', '-o', 'json'], { env }))).toEqual({
      ...{ login: 'hub', server, issuer: provider.issuer, user: 'vera@example.com', role: 'viewer' },
      tokenExpires: expect.any(String),
    });
    expect(expectRefusal(await remote(['grant', 'create', 'x']), 3).error).toContain('operator');
  });

  it('a repeated login needs only its name', async () => {
    const before = stored();
    const ended = await finish(startLinkgrant(['login', 'hub'], { env }), 'ada');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(stored()).toMatchObject({ server, serverCa: caFile, clientId: LOGIN_CLIENT });
    expect(stored().accessToken).not.toBe(before.accessToken);
  });

  it('a login that the user denies stores nothing', async () => {
    const ended = await finish(startLogin([server, '--name', 'denied']), 'ada', 'deny');
    expect(expectRefusal(ended, 3).error).toContain('aborted');
    expect(readdirSync(logins)).not.toContain('denied.json');
  });

  it('a login of a user without a role stores nothing, and the hint names the roles', async () => {
    const ended = await logIn('nora', [server, '--name', 'denied']);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('viewer to read, operator to write');
    expect(readdirSync(logins)).not.toContain('denied.json');
  });

  it('a login ignores requests to its loopback port without its state', async () => {
    const running = startLogin([server, '--name', 'hub']);
    await until(() => running.said.stdout.includes('redirect_uri'));
    const target = decodeURIComponent(/redirect_uri=([^&\s]+)/.exec(running.said.stdout)?.[1] ?? '');
    expect((await fetch(`${target}?code=x&state=guessed`)).status).toBe(404);
    const ended = await finish(running, 'ada');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
  });

  it('SIGINT ends a login while the service does not respond after the login in the browser', async () => {
    let isSilent = false;
    let waiting = 0;
    const acceptClient = (client: Socket) => {
      if (isSilent) waiting += 1;
      else relayTo(Number(new URL(server).port), client);
    };
    const relay = releaseAfterTest(await serveTcp(acceptClient));
    const running = startLogin([`https://127.0.0.1:${relay.port}`]);
    try {
      await until(() => running.said.stdout.includes('redirect_uri'));
      isSilent = true;
      const ended = finish(running, 'ada');
      await until(() => waiting > 0);
      running.child.kill('SIGINT');
      expect(await ended).toMatchObject({ code: null, signal: 'SIGINT' });
    } finally {
      running.child.kill('SIGKILL');
    }
  });

  it('a login at a service without a login client, or at an invalid URL, is refused with a hint', async () => {
    const other = await startAdminService();
    const otherServer = `https://127.0.0.1:${other.adminPort}`;
    writeFileSync(place.path('other-ca'), other.ca);
    try {
      expect(await refusedLogin(otherServer, '--server-ca', place.path('other-ca'))).toEqual(
        refusal(2, 'has no client', '--login-client'),
      );
      expect(await refusedLogin(otherServer, '--name', 'hub')).toEqual(
        refusal(2, `is for ${server}`, '--name'),
      );
    } finally {
      await other.close();
    }
    expect(await refusedLogin('http://127.0.0.1')).toEqual(refusal(2, 'no URL of a service', 'https URL'));
    expect(await refusedLogin('missing')).toEqual(refusal(2, 'there is no login "missing"', 'hub'));
    expect(await refusedLogin('hub', '--name', 'x')).toEqual(refusal(2, '--name has no effect', server));
    expect(await refusedLogin(server)).toEqual(refusal(3, '--server-ca', ''));
    expect((await refusedLogin('https://127.0.0.1:1'))[0]).toBe(4);
  });

  it('a login requires the CA of the OIDC provider, which may use TLS 1.2, and its exact issuer', async () => {
    const identity = await makeIdentity({ hosts: ['127.0.0.1', 'localhost'] });
    writeFileSync(place.path('issuer-ca'), identity.ca);
    const secure = await startOidcIssuer(await makeIssuerKey('tls'), { ...identity, maxVersion: 'TLSv1.2' });
    const issuerCa = ['--issuer-ca', place.path('issuer-ca')];
    try {
      for (const [issuer, flags, expected] of [
        [secure.issuer, [], refusal(3, '--issuer-ca', '--issuer-ca')],
        [secure.issuer, issuerCa, refusal(1, 'was cancelled', '')],
        [secure.issuer.replace('127.0.0.1', 'localhost'), issuerCa, refusal(4, 'localhost', 'OIDC provider')],
      ] as const) {
        const other = await startAdminService({ adminIssuer: issuer, loginClient: LOGIN_CLIENT });
        writeFileSync(place.path('other-ca'), other.ca);
        const words = [`https://127.0.0.1:${other.adminPort}`, '--server-ca', place.path('other-ca')];
        const running = startLinkgrant(['login', ...words, ...flags], { env });
        await until(() => running.said.stdout.includes(issuer) || running.child.exitCode !== null);
        running.child.kill('SIGINT');
        const ended = await running.ended;
        expect([ended.code, refusalOf(ended).error, refusalOf(ended).hint]).toEqual(expected);
        await other.close();
      }
    } finally {
      await secure.stop();
    }
  });
});

describe('a command with a login', () => {
  beforeAll(async () => {
    const ended = await logIn('ada');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
  });

  it('a command renews an expired access token, and stores the new tokens', async () => {
    const before = stored();
    change({ expiresAt: 0 });
    expect((await remote(['grant', 'list'])).code).toBe(0);
    const after = stored();
    expect(after.accessToken).not.toBe(before.accessToken);
    expect(after.refreshToken).not.toBe(before.refreshToken);
    expect(after.expiresAt).toBeGreaterThan(Date.now());
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('several commands at once renew an expired token once, and lose no refresh token', async () => {
    // The provider ends a login whose refresh token is used twice.
    for (const _ of [1, 2]) {
      change({ expiresAt: 0 });
      const list = ['grant', 'list', '--server', 'hub'];
      const ended = await Promise.all([
        linkgrantProcess(list, { env }),
        linkgrantProcess(list, { env }),
        linkgrant(list, { env }),
        linkgrant(list, { env }),
      ]);
      expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(ended.map(() => [0, '']));
    }
  });

  it('a command asks the user to log in again if the token is refused or cannot be renewed', async () => {
    const before = readFileSync(file, 'utf8');
    for (const fields of [{ refreshToken: 'revoked' }, { refreshToken: undefined }]) {
      change({ expiresAt: 0, ...fields });
      const ended = await remote(['grant', 'list']);
      expect(expectRefusal(ended, 3).hint).toBe('log in again: `linkgrant login hub`');
    }
    change({ accessToken: 'no.access.token', expiresAt: Date.now() + 3_600_000 });
    const ended = await remote(['grant', 'list']);
    expect(expectRefusal(ended, 3).hint).toBe('log in again: `linkgrant login hub`');
    writeFileSync(file, before);
  });

  it('a running console gets a refusal with the reason and a hint when its login cannot be renewed', async () => {
    const before = readFileSync(file, 'utf8');
    await runInContext({ ...commandContext(), env }, 'linkgrant', () =>
      withAdministration({ server: 'hub' }, async ({ administration }) => {
        const refused = (code: string, message: string, hint: string) =>
          expect(administration.describeService()).rejects.toMatchObject({
            ...{ name: 'AdministrationError', code, hint },
            message: expect.stringContaining(message),
          });
        change({ expiresAt: 0, refreshToken: undefined });
        await refused('bearer_invalid', 'has expired', 'log in again: `linkgrant login hub`');
        writeFileSync(file, before);
        change({ expiresAt: 0 });
        await provider.stop();
        const hint = 'run the command again when the OIDC provider can be reached';
        await refused('identity_unavailable', provider.issuer, hint).finally(() => provider.start());
        expect(await administration.describeService()).toMatchObject({ role: 'operator' });
      }),
    );
  });

  it('a command with an expired token fails while the provider is down, and works afterwards', async () => {
    change({ expiresAt: 0 });
    await provider.stop();
    try {
      expect(expectRefusal(await remote(['grant', 'list']), 4).error).toContain(provider.issuer);
    } finally {
      await provider.start();
    }
    expect((await remote(['grant', 'list'])).code).toBe(0);
  });

  it('a command that cannot verify the provider prints the login command that sets its CA', async () => {
    const identity = await makeIdentity({ hosts: ['127.0.0.1'] });
    const secure = await startOidcIssuer(await makeIssuerKey('tls'), identity);
    const before = readFileSync(file, 'utf8');
    try {
      change({ expiresAt: 0, issuer: secure.issuer });
      const ended = await remote(['grant', 'list']);
      expect(expectRefusal(ended, 3).hint).toBe(
        'log in with the CA of the OIDC provider: `linkgrant login hub --issuer-ca FILE`',
      );
    } finally {
      writeFileSync(file, before);
      await secure.stop();
    }
  });

  it('a command refuses a login whose tokens other users can read', async () => {
    chmodSync(file, 0o644);
    expect(expectRefusal(await remote(['grant', 'list']), 2).hint).toBe(`run \`chmod 600 ${file}\``);
    chmodSync(file, 0o600);
  });

  it('a command refuses a damaged login', async () => {
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, '{"server":');
    expect(refusalOf(await remote(['grant', 'list']))).toEqual({
      error: `${file} is not a login of this version`,
      hint: 'delete the file and log in again',
    });
    writeFileSync(file, before);
  });

  it('a command refuses an unknown login', async () => {
    const ended = await linkgrant(['grant', 'list', '--server', 'unknown'], { env });
    expect(expectRefusal(ended, 2).error).toBe('there is no login "unknown"');
  });
});

describe('logout', () => {
  it('logout revokes the refresh token and deletes the login', async () => {
    const before = readFileSync(file, 'utf8');
    const ended = await linkgrant(['logout', 'hub'], { env });
    expect(ended).toEqual({ code: 0, stdout: 'Logged out: the login "hub" is deleted.\n', stderr: '' });
    expect(readdirSync(logins)).not.toContain('hub.json');
    writeFileSync(file, before, { mode: 0o600 });
    change({ expiresAt: 0 });
    expect((await remote(['grant', 'list'])).code).toBe(3);
  });

  it('logout while the provider is down deletes the login and prints a warning', async () => {
    await logIn('ada');
    await provider.stop();
    try {
      const ended = await linkgrant(['logout', 'hub'], { env });
      expect([ended.code, ended.stderr]).toEqual([0, expect.stringContaining('warning: the tokens')]);
    } finally {
      await provider.start();
    }
    expect(readdirSync(logins)).not.toContain('hub.json');
  });
});

it('completion offers the names of logins after --server, login, logout and whoami, but not after a name or another flag', async () => {
  writeFileSync(file, '{}', { mode: 0o600 });
  const completed = async (line: string) =>
    (await linkgrant(['__complete', `linkgrant ${line}`], { env })).stdout;
  for (const line of ['grant list --server ', 'login h', 'logout ', 'whoami ']) {
    expect(await completed(line), line).toBe('hub\n');
  }
  for (const line of ['logout hub ', 'login --server-ca ']) expect(await completed(line), line).toBe('');
});

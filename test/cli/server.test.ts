import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withAdministration } from '../../src/cli/session/administration-session.js';
import { adminFlags, type BearerClaims, makeIssuerKey, signBearer } from '../support/admin-api.js';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  type RunOptions,
  refusedResult,
  Workplace,
} from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { opensslRequest } from '../support/openssl-requests.js';
import { keySha256 } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { until } from '../support/until.js';

const place = releaseAfterFile(new Workplace());
const dataDir = place.path('data');
const bearerFile = place.path('bearer');
const viewerFile = place.path('viewer');
const caFile = `${dataDir}/issuers/linkgrant-server-ca/tls.crt`;

const key = await makeIssuerKey('first');
// A fixed port, because doctor does not check port 0.
const admin = adminFlags(key, place.path('jwks.json'), await freePort());
const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT, ...admin]);
const server = `https://127.0.0.1:${service.adminPort}`;
await writeBearer(bearerFile);
await writeBearer(viewerFile, { claims: { roles: ['linkgrant-viewer'] } });

async function writeBearer(file: string, changes: BearerClaims = {}): Promise<void> {
  writeFileSync(file, `${await signBearer(key, Date.now(), changes)}\n`, { mode: 0o600 });
}

const serverFlags = (file = bearerFile, url = server) => [
  ...['--server', url, '--server-ca', caFile, '--server-token-file', file],
];
/** Runs a command with --server, and with a data directory that does not exist. */
const remote = (words: readonly string[], options?: RunOptions) =>
  linkgrant([...words, ...serverFlags(), '--data-dir', place.path('nowhere')], options);
/** Runs a command on the store of the service. */
const local = (words: readonly string[]) => linkgrant([...words, '--data-dir', dataDir]);

/** Expects that a command succeeds with --server, and has the output of the local command. */
async function expectLocalOutput(words: readonly string[]): Promise<void> {
  const remoteResult = await remote(words);
  expect(remoteResult).toMatchObject({ code: 0, stderr: '' });
  expect(remoteResult).toEqual(await local(words));
}

describe('a command with --server', () => {
  it('creates, shows, lists, changes and revokes a grant with the output of the local command', async () => {
    const limits = ['--redemptions-allowed', '3', '--subjects', 'e*'];
    const created = await remote(['grant', 'create', 'far', ...limits, '-o', 'json']);
    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(json(created)).toMatchObject({ name: 'far', redemptionsAllowed: 3, code: expect.any(String) });
    for (const words of [
      ['grant', 'show', 'far'],
      ['grant', 'show', 'far', '-o', 'json'],
      ['grant', 'show', json(created).uid, '-o', 'yaml'],
      ['grant', 'list'],
      ['grant', 'list', '-A', '-o', 'json'],
    ])
      await expectLocalOutput(words);
    const change = ['--names', 'a*', '--unset', 'subjects'];
    const changed = await remote(['grant', 'update', 'far', ...change, '-o', 'json']);
    expect(json(changed).policy).toEqual({ 'linkgrant/names': 'a*' });
    expect((await remote(['grant', 'revoke', 'far'])).stdout).toContain('Grant "far" is revoked');
    expect((await remote(['grant', 'delete', 'far'])).stdout).toContain('Grant "far" is deleted');
    expect((await local(['grant', 'show', 'far'])).code).toBe(1);
  });

  it('issues tokens that redeem, and lists, shows and revokes their redemptions', async () => {
    const token = place.path('token.yaml');
    const issued = await remote(['token', 'issue', token, '--name', 'to-west', '--redemptions-allowed', '2']);
    expect(issued.code).toBe(0);
    expect(issued.stderr).toContain(`Token written to ${token}`);
    expect(statSync(token).mode & 0o777).toBe(0o600);
    const redeem = ['token', 'redeem', token, '--to', place.path('links'), '--subject', 'east'];
    expect((await linkgrant([...redeem, '--data-dir', place.path('requesting')])).code).toBe(0);
    for (const words of [
      ['redemption', 'list'],
      ['redemption', 'list', '--subject', 'ea*', '-o', 'csv'],
      ['ledger', 'list', '--grant', 'to-west', '-o', 'json'],
    ])
      await expectLocalOutput(words);
    const [{ id }] = json(await remote(['redemption', 'list', '-o', 'json']));
    expect(await remote(['redemption', 'show', id])).toEqual(await local(['redemption', 'show', id]));
    const withoutChoice = await remote(['redemption', 'revoke', id]);
    expect(expectRefusal(withoutChoice, 2).hint).toContain('--with-grant, --keep-token');
    const revoked = await remote(['redemption', 'revoke', id, '--with-grant']);
    expect(revoked.stdout).toContain('Grant "to-west" and all its tokens are revoked too');
    const entries = json(await local(['ledger', 'list', '--grant', 'to-west', '-o', 'json']));
    const actors = entries.map(({ kind, actor }: Record<string, string>) => [kind, actor]);
    expect(actors).toEqual(
      expect.arrayContaining([
        ['redeemed', undefined],
        ['revoked', 'oidc:ops@example.com'],
        ['grant_revoked', 'oidc:ops@example.com'],
      ]),
    );
  });

  it('issues a token that is bound to the key of a certificate request', async () => {
    const { pem, key } = opensslRequest();
    const { stdout, stderr } = await remote(['token', 'issue', '--name', 'bound', '--request', '-'], {
      input: pem,
    });
    expect(stderr).toContain('no secret');
    const inspected = json(await linkgrant(['token', 'inspect', stdout, '-o', 'json']));
    expect(inspected.signed).toMatchObject({ subject: 'east', keySha256: keySha256(key) });
    expect(json(await local(['grant', 'show', 'bound', '-o', 'json']))).toMatchObject({ signedTokens: 1 });
  });

  it('issues a token that replaces a link: when it is redeemed the link is revoked, and each redemption names the other', async () => {
    const redeem = async (name: string, ...words: readonly string[]) => {
      const token = place.path(`${name}.yaml`);
      expectSuccess(await remote(['token', 'issue', token, ...words]));
      const site = place.path(name);
      return () => linkgrant(['token', 'redeem', token, '--to', `${site}/links`, '--data-dir', site]);
    };
    expectSuccess(await (await redeem('shop'))());
    const [{ id }] = json(await remote(['redemption', 'list', '--subject', 'link-*', '-o', 'json']));
    const show = async (named: string) => json(await remote(['redemption', 'show', named, '-o', 'json']));
    const old = await show(id);
    const redeemReplacement = await redeem('rebuilt-shop', '--replaces', id);
    expect(await show(id)).toEqual(old);
    expectSuccess(await redeemReplacement());
    const { revokedAt, replacedBy } = await show(id);
    expect(revokedAt).toBeDefined();
    expect(await show(replacedBy)).toMatchObject({ replaces: id, subject: old.subject, name: old.name });
    const renewed = await linkgrant([
      ...['link', 'renew', '--all', '--within', '3650d', '--dir', place.path('shop', 'links')],
      ...['--data-dir', place.path('shop'), '--yes'],
    ]);
    expect([renewed.code, renewed.stderr]).toEqual([3, expect.stringContaining('replaced by a new one')]);
    const again = await remote(['token', 'issue', '-', '--replaces', id]);
    expect(expectRefusal(again, 2).hint).toContain(`--replaces ${replacedBy}`);
    await expectLocalOutput(['redemption', 'show', id]);
  });

  it('sets labels and notes, and selects by labels', async () => {
    await remote(['grant', 'create', 'labelled', '--label', 'team=x', '--note', 'far <away>']);
    expectSuccess(await remote(['grant', 'update', 'labelled', '--label', 'team-', '--label', 'pilot=']));
    const [{ id }] = json(await remote(['redemption', 'list', '-o', 'json']));
    expectSuccess(await remote(['redemption', 'update', id, '--label', 'region=eu', '--note', '=1+1']));
    for (const words of [
      ['grant', 'show', 'labelled'],
      ['grant', 'list', '-l', 'pilot,!team', '-o', 'json'],
      ['redemption', 'show', id],
      ['redemption', 'list', '-l', 'region=eu', '-o', 'csv'],
    ])
      await expectLocalOutput(words);
    expect(json(await remote(['redemption', 'list', '-l', 'region!=eu,region', '-o', 'json']))).toEqual([]);
  });

  it('issues a join line, and waits until it is redeemed', async () => {
    const file = place.path('line');
    const waiting = remote(['token', 'issue', file, '--print', 'line', '--name', 'waited-for', '--wait']);
    await until(() => existsSync(file));
    const line = readFileSync(file, 'utf8').trim();
    const site = place.path('joining');
    expect((await linkgrant(['join', line, '--to', site, '--data-dir', site])).code).toBe(0);
    const { code, stderr } = await waiting;
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('Redeemed by "waited-for" from 127.0.0.1: link "waited-for"\n');
  });

  it('issues signed tokens of a grant, into a directory too, and revokes one', async () => {
    await remote(['grant', 'create', 'hub', '--redemptions-allowed', '9']);
    const directory = place.path('tokens');
    const words = ['--grant', 'hub', '--count', '3', '--subject', 'east'];
    expect((await remote(['token', 'issue', directory, ...words])).code).toBe(0);
    expect(readdirSync(directory)).toEqual(['hub-1.yaml', 'hub-2.yaml', 'hub-3.yaml']);
    await expectLocalOutput(['token', 'list', '--grant', 'hub', '-o', 'json']);
    const inspect = ['token', 'inspect', `${directory}/hub-1.yaml`, '--check', '-o', 'json'];
    const inspected = await linkgrant(inspect);
    expect(inspected.code).toBe(0);
    const { id } = json(inspected).signed;
    expect((await remote(['token', 'revoke', id, '--grant', 'hub'])).stdout).toContain(
      'It can no longer be redeemed',
    );
    expect((await linkgrant(inspect)).code).toBe(3);
  });

  it('leaves no grant if its token cannot be written', async () => {
    const ended = await remote(['token', 'issue', '/proc/nowhere/token.yaml', '--name', 'unwritten']);
    expect(ended.code).toBe(1);
    expect((await local(['grant', 'show', 'unwritten'])).code).toBe(1);
  });

  it('reads its settings from variables, and the token file each time', async () => {
    const file = place.path('renewed');
    await writeBearer(file, { expiresAt: Date.now() - 3_600_000 });
    const env = { LINKGRANT_SERVER: server, LINKGRANT_SERVER_CA: caFile, LINKGRANT_SERVER_TOKEN_FILE: file };
    expect((await linkgrant(['grant', 'list'], { env })).code).toBe(3);
    await writeBearer(file);
    expect((await linkgrant(['grant', 'list'], { env })).code).toBe(0);
  });

  it('reads the token file for each request, so that a running console uses a replaced token', async () => {
    const serverTokenFile = place.path('replaced');
    await writeBearer(serverTokenFile);
    await withAdministration({ server, serverCa: caFile, serverTokenFile }, async ({ administration }) => {
      await writeBearer(serverTokenFile, { claims: { roles: ['linkgrant-viewer'] } });
      expect(await administration.describeService()).toMatchObject({ role: 'viewer' });
      rmSync(serverTokenFile);
      await expect(administration.describeService()).rejects.toMatchObject({
        ...{ name: 'AdministrationError', code: 'bearer_invalid', hint: expect.any(String) },
        message: expect.stringContaining(serverTokenFile),
      });
    });
  });
});

it('a service that checks its health does not log a failed authentication', async () => {
  const countRefusals = () => service.said.stderr.split('"bearer_missing"').length;
  const before = countRefusals();
  const settings = { server, serverCa: caFile, serverTokenFile: bearerFile };
  await withAdministration(settings, async ({ administration }) => {
    const { findings } = await administration.checkHealth();
    const checks = findings.map(({ check }) => check);
    expect(checks).toContain('port');
    expect(checks).not.toContain('admin port');
  });
  expect(countRefusals()).toBe(before);
});

describe('a refused command with --server', () => {
  const refused = async (words: readonly string[]) => refusedResult(await linkgrant(words));

  it('exits with 3 and the reason if the token is not valid, or its role does not permit the command', async () => {
    const foreign = place.path('foreign');
    await writeBearer(foreign, { audience: 'another' });
    expect(await refused(['grant', 'list', ...serverFlags(foreign)])).toMatchObject({
      code: 3,
      error: 'the bearer token is not valid',
      hint: expect.stringContaining('OIDC provider'),
    });
    expect(await refused(['grant', 'create', 'x', ...serverFlags(viewerFile)])).toMatchObject({
      code: 3,
      error: expect.stringContaining('operator'),
    });
    expect((await linkgrant(['grant', 'list', ...serverFlags(viewerFile)])).code).toBe(0);
  });

  it('exits with 1 or 2 if the token file is missing, readable by others, or invalid', async () => {
    const file = place.path('open');
    await writeBearer(file);
    chmodSync(file, 0o640);
    expect(await refused(['grant', 'list', ...serverFlags(file)])).toMatchObject({
      code: 2,
      hint: expect.stringContaining('chmod 600'),
    });
    expect(await refused(['grant', 'list', ...serverFlags(place.directory)])).toMatchObject({
      code: 1,
      error: `${place.directory} cannot be read: it is a directory`,
    });
    chmodSync(file, 0o600);
    writeFileSync(file, 'no token here');
    expect(await refused(['grant', 'list', ...serverFlags(file)])).toMatchObject({
      code: 2,
      error: expect.stringContaining('contains no bearer token'),
    });
    expect((await refused(['grant', 'list', ...serverFlags(place.path('missing'))])).code).toBe(1);
    expect(await refused(['grant', 'list', '--server', server])).toMatchObject({
      code: 2,
      hint: expect.stringContaining('--server-token-file'),
    });
  });

  it('exits with 4 if the server is down, and with 3 if it is untrusted or not an admin API', async () => {
    const unreachable = ['--server', 'https://127.0.0.1:1', '--server-token-file', bearerFile];
    expect((await refused(['grant', 'list', ...unreachable])).code).toBe(4);
    const untrusted = await refused(['grant', 'list', '--server', server, '--server-token-file', bearerFile]);
    expect(untrusted).toMatchObject({
      code: 3,
      error: expect.stringContaining('--server-ca'),
      hint: 'set --server-ca to the file with the CA of the service',
    });
    const redemption = serverFlags(bearerFile, `https://127.0.0.1:${service.port}`);
    expect(await refused(['grant', 'list', ...redemption])).toMatchObject({
      code: 3,
      error: expect.stringContaining('is no admin API'),
    });
  });

  it('exits with 2 if the command or a flag needs the store', async () => {
    for (const words of [
      ['ledger', 'verify'],
      ['grant', 'show', 'hub', '--signing-key', place.path('key')],
      ['redemption', 'revoke', '22c7dcf1-ef57-454f-98ff-fa5a79792832', '--cut'],
      ['grant', 'list', '--store', `sqlite:${dataDir}/linkgrant.db`],
    ]) {
      expect((await refused([...words, ...serverFlags()])).code, words.join(' ')).toBe(2);
    }
    expect(existsSync(place.path('key'))).toBe(false);
  });

  it('prints the error of the local command for an unknown object or an invalid value', async () => {
    for (const words of [
      ['grant', 'show', 'nobody-made-this'],
      ['grant', 'show', 'Not A Name'],
      ['redemption', 'show', '22c7dcf1-ef57-454f-98ff-fa5a79792832'],
      ['grant', 'create', 'Not A Name'],
      ['grant', 'create', 'x', '--issuer', 'nobody'],
      ['grant', 'create', 'x', '--redemptions-allowed', '1000001'],
      ['grant', 'create', 'hub'],
    ]) {
      const [remoteResult, localResult] = await Promise.all(
        [serverFlags(), ['--data-dir', dataDir]].map(async (flags) => {
          const ended = await refused([...words, ...flags]);
          // A suggested command has the flags of its own command.
          return { ...ended, hint: ended.hint.replace(/ --(server|data-dir)[^`]*/, '') };
        }),
      );
      expect(remoteResult, words.join(' ')).toEqual(localResult);
    }
  });

  it('leaves no bearer token in the log of the service', async () => {
    const bearer = readFileSync(bearerFile, 'utf8').trim();
    expect(service.said.stderr).not.toContain(bearer.slice(-20));
  });
});

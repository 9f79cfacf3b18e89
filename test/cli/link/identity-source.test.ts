import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import { parseCertificates } from '../../../src/pki/pem.js';
import { sha256Hex } from '../../../src/pki/sha256.js';
import { type Ended, expectRefusal, linkgrant, Workplace } from '../../support/command-line.js';
import { identityIssuer, identityToken } from '../../support/identity-issuer.js';
import { isAlive } from '../../support/process-children.js';
import { releaseAfterFile } from '../../support/release.js';
import { serveHttps } from '../../support/servers/hostile-server.js';
import { until } from '../../support/until.js';

const place = releaseAfterFile(new Workplace());
const issuer = identityIssuer();
const tokenFor = (aud: unknown) => identityToken(issuer, { sub: 'east', aud, now: Date.now() });
/** A service that refuses every identity. */
const server = releaseAfterFile(
  await serveHttps((_request, _incoming, response) => {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ code: 'code_wrong' }));
  }),
);
const { url, ca } = server.token;
const { origin } = new URL(url);
const caSha256 = sha256Hex(parseCertificates(ca)[0]?.raw ?? Buffer.of());
const [tokenFile, caFile] = [place.path('token.jwt'), place.path('ca.pem')];
writeFileSync(caFile, ca);
const OTHER_KEY = 'ab'.repeat(32);

const run = (words: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  linkgrant([...words, '--data-dir', place.path('site')], { env });
const TO_SERVICE = [url, '--name', 'to-west', '--ca', caFile, '--to', place.path('links')];
const join = (words: readonly string[], env?: Record<string, string>) =>
  run(['join', ...TO_SERVICE, ...words], env);

/** Joins with a token for this audience. Returns the result of the command, and the bodies that the server received. */
async function joinWith(aud: unknown, ...words: readonly string[]) {
  const token = tokenFor(aud);
  writeFileSync(tokenFile, `${token}\n`);
  server.seen.length = 0;
  const ended = await join(['--identity-token-file', tokenFile, ...words]);
  expect(ended.stdout + ended.stderr).not.toContain(token);
  return { ended, bodies: server.seen.map(({ body }) => (body === token ? 'the token' : body)) };
}

it.each([
  ['another origin', 'https://elsewhere.example.com:9443'],
  ['the origin with another port', `${origin}0`],
  ['the URL of the grant', url],
  ['a prefix of the origin', origin.slice(0, -1)],
  ['the origin with the hash of another key', `${origin}#${OTHER_KEY}`],
  ['a number', 42],
  ['an object', { [origin]: true }],
  ['a nested list', [[`${origin}0`]]],
  ['no audience', undefined],
])('an identity token is not sent if its audience is %s', async (_case, aud) => {
  const { ended, bodies } = await joinWith(aud);
  const { error, hint } = expectRefusal(ended, 2);
  expect(error).toContain(`was not sent to ${origin}`);
  expect(hint).toContain('--identity-audience');
  expect(bodies).toEqual([]);
});

it.each([
  ['the origin of the URL', origin, []],
  ['the origin among others', ['elsewhere', origin], []],
  ['the one of --identity-audience', 'fleet', ['--identity-audience', 'fleet']],
])(
  'an identity token is sent if its audience is %s, and its refusal is temporary',
  async (_case, aud, words) => {
    const { ended, bodies } = await joinWith(aud, ...words);
    expect(expectRefusal(ended, 4).error).toBe(
      'The service does not accept this identity for the grant of the URL.',
    );
    // One request, which only checks the token. No redemption follows, because the check was refused.
    expect(bodies).toEqual(['the token']);
  },
);

it.each([
  ['empty', '', 'is empty'],
  ['no JWT', 'some-code', 'is no JWT'],
  ['longer than 4 KiB', `eyJ${'a'.repeat(5_000)}.e30.x`, 'is longer than 4 KiB'],
])('an identity token file whose content is %s is not sent', async (_case, text, reason) => {
  writeFileSync(tokenFile, text);
  server.seen.length = 0;
  const { error } = expectRefusal(await join(['--identity-token-file', tokenFile]), 4);
  expect(error).toContain(reason);
  expect(server.seen).toEqual([]);
});

it('the error for a missing identity token file names the file', async () => {
  rmSync(tokenFile, { force: true });
  const { error } = expectRefusal(await join(['--identity-token-file', tokenFile]), 4);
  expect(error).toContain(`${tokenFile}: it does not exist`);
});

it('an identity command receives the audience without and with the hash of the key, and its output is sent', async () => {
  const token = tokenFor(origin);
  const audiencesFile = place.path('audiences');
  const command = `echo "$LINKGRANT_IDENTITY_AUDIENCE $LINKGRANT_IDENTITY_KEY_AUDIENCE" >>'${audiencesFile}'; echo ${token}`;
  server.seen.length = 0;
  expectRefusal(await join(['--identity-command', command]), 4);
  expect(server.seen.map(({ body }) => body)).toEqual([token]);
  expect(readFileSync(audiencesFile, 'utf8')).toMatch(new RegExp(`^${origin} ${origin}#[0-9a-f]{64}\n$`));
});

it('an identity command that fails is reported with what it printed on standard error, without a token', async () => {
  const token = tokenFor(origin);
  server.seen.length = 0;
  const ended = await join(['--identity-command', `echo "no such account, token ${token}" >&2; exit 3`]);
  const { error } = expectRefusal(ended, 4);
  expect(error).toBe(
    'The identity command failed: it exited with 3; it printed: no such account, token (token).',
  );
  expect(server.seen).toEqual([]);
});

it.each([
  ['10 MB', 'head -c 10000000 /dev/zero'],
  ['without an end', 'yes'],
])('an identity command that prints %s is refused, and its output is not sent', async (_case, command) => {
  server.seen.length = 0;
  const { error } = expectRefusal(await join(['--identity-command', command]), 4);
  expect(error).toContain('printed more than 64 KiB');
  expect(server.seen).toEqual([]);
});

it('an identity command that hangs is stopped with its child processes at the deadline of bootstrap', async () => {
  const pids = place.path('pids');
  const command = `sleep 300 & echo $$ $! >'${pids}'; wait`;
  const words = ['bootstrap', '--token', ...TO_SERVICE, '--identity-command', command, '--deadline', '30s'];
  const ended = await run(words);
  expect([ended.code, ended.stderr]).toEqual([4, expect.stringContaining('did not finish within')]);
  const started = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
  expect(started).toHaveLength(2);
  await until(() => !started.some(isAlive));
});

it.each([
  ['without an identity', [], 'this line has no code'],
  [
    'with two identities',
    ['--identity-token-file', tokenFile, '--identity-command', 'true'],
    'two identities',
  ],
  ['with two CAs', ['--ca-sha256', caSha256], 'two CAs'],
])('join with the URL of a grant %s is a usage error', async (_case, words, reason) => {
  const { error, hint } = expectRefusal(await join(words), 2);
  expect(error).toContain(reason);
  expect(hint).not.toBe('');
});

it('join with the URL of a grant requires --name and a valid --ca-sha256', async () => {
  const identity = ['--identity-token-file', tokenFile, '--to', place.path('links')];
  expect(expectRefusal(await run(['join', url, ...identity]), 2).hint).toContain('--name');
  const cut = await run(['join', url, '--name', 'a', '--ca-sha256', caSha256.slice(2), ...identity]);
  expect(expectRefusal(cut, 2).error).toContain('--ca-sha256');
});

it('the flags of an identity are refused for a token that has a code', async () => {
  const file = place.path('access-token.yaml');
  writeFileSync(file, encodeAccessToken(server.token));
  server.seen.length = 0;
  const words = ['token', 'redeem', file, '--to', place.path('links'), '--identity-token-file', tokenFile];
  expect(expectRefusal(await run(words), 2).error).toContain('has a code');
  expect(server.seen).toEqual([]);
});

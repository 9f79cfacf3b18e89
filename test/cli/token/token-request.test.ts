import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { challengeOf } from '../../../src/codes/signed-code.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  type RunOptions,
} from '../../support/command-line.js';
import { opensslRequest, UNUSABLE_REQUESTS } from '../../support/openssl-requests.js';
import { csrHeader, keySha256, redeemedAnswer } from '../../support/redeemed-answer.js';
import { post } from '../../support/wire.js';

const DAY = 24 * 3_600_000;

const { place, service, dataDir, data, run, report } = await openAcceptingSite();
const ca = readFileSync(`${dataDir}/issuers/linkgrant-server-ca/tls.crt`, 'utf8');
const { pem, line, key } = opensslRequest();
const fingerprint = keySha256(key)
  .toUpperCase()
  .replace(/..(?!$)/g, '$&:');
const requestFile = place.path('request.csr');
writeFileSync(requestFile, `Certificate Request:\n    Data: as openssl req -text prints it\n${pem}`);

const issue = (words: readonly string[], options?: RunOptions) =>
  linkgrant(['token', 'issue', ...words, ...data], options);
const inspect = async (token: string) => json(await linkgrant(['token', 'inspect', token, '-o', 'json']));
const grants = async () =>
  (await report('grant', 'list')).map(({ name }: { name: string }) => name).sort() as string[];

/** Redeems the token in a file with the key of its request. Returns the subject of the certificate. */
async function redeem(file: string): Promise<string> {
  const { url, code } = parse(readFileSync(file, 'utf8')).spec;
  const headers = csrHeader(key, challengeOf(code));
  const answer = await post({ port: service.port, ca }, new URL(url).pathname, code, { headers });
  return redeemedAnswer(answer).x509.subject;
}

describe('token issue --request', () => {
  it('issues a token of a grant that only the key of the request can redeem, and prints both fingerprints', async () => {
    await run('grant', 'create', 'hub', '--redemptions-allowed', '5', '--expiration-window', '30d');
    const file = place.path('bound.yaml');
    const { stderr } = expectSuccess(await issue([file, '--grant', 'hub', '--request', requestFile]));
    expect(stderr.split('\n')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Can be redeemed once, until .*, only for subject "east"$/),
        `Key SHA-256 ${fingerprint}`,
        `CA SHA-256  ${service.fingerprint}`,
        expect.stringContaining('is no secret: only the site with this key can redeem it'),
      ]),
    );
    const { signed } = await inspect(file);
    expect(signed).toMatchObject({ keySha256: keySha256(key), subject: 'east', redemptionsAllowed: 1 });
    expect(await report('token', 'list', '--grant', 'hub')).toMatchObject([
      { id: signed.id, state: 'ready', keySha256Prefix: keySha256(key).slice(0, 16) },
    ]);
    await run('token', 'issue', '--grant', 'hub');
    const { stdout: list } = expectSuccess(await run('token', 'list', '--grant', 'hub'));
    const forKey = list.split('\n').map((row) => row.split(/ {2,}/).at(-1));
    expect(forKey.sort()).toEqual(['', '-', 'FOR KEY', `${fingerprint.slice(0, 11)}…`].sort());
    // The grant expires later.
    expect(Math.round((Date.parse(signed.expirationTime) - Date.parse(signed.issuedAt)) / DAY)).toBe(7);
    expect(await redeem(file)).toBe('CN=east');
  });

  it('without --grant creates a grant for one redemption within 7 days, and does not print its own code', async () => {
    const file = place.path('new.yaml');
    expectSuccess(await issue([file, '--name', 'to-east', '--request', '-'], { input: pem }));
    const grant = await report('grant', 'show', 'to-east');
    expect(grant).toMatchObject({ redemptionsAllowed: 1, expirationWindow: '7d', signedTokens: 1 });
    const { signed, expirationTime } = await inspect(file);
    expect(expirationTime).toBe(signed.expirationTime);
    expect(Date.parse(expirationTime) - Date.parse(signed.issuedAt)).toBeGreaterThan(6 * DAY);
    expect(parse(readFileSync(file, 'utf8')).spec.code).toMatch(/^eyJ/);
    expect(await redeem(file)).toBe('CN=east');
  });

  it('prints the join line for a request line, with its own window and subject', async () => {
    const own = ['--expiration-window', '2h', '--subject', 'Größe 7'];
    const { stdout, stderr } = expectSuccess(await issue(['--name', 'short', '--request', line, ...own]));
    expect(stdout).toMatch(/^lgj1_[0-9A-Za-z]+\n$/);
    expect(stderr).toContain('`linkgrant join LINE`');
    expect((await inspect(stdout)).signed).toMatchObject({ subject: 'Größe 7', keySha256: keySha256(key) });
    expect((await report('grant', 'show', 'short')).expirationWindow).toBe('2h');
  });

  it('warns that the key of a request was used already, also for another grant', async () => {
    const { pem: fresh, key: used } = opensslRequest('/CN=twice');
    const [first, second] = [place.path('first.yaml'), place.path('second.yaml')];
    const issueFresh = (file: string, ...words: readonly string[]) =>
      issue([file, '--request', '-', ...words], { input: fresh });
    expect(expectSuccess(await issueFresh(first, '--name', 'first')).stderr).not.toContain('warning');
    expect(expectSuccess(await issueFresh(second, '--grant', 'first')).stderr).not.toContain('warning');
    const { url, code } = parse(readFileSync(first, 'utf8')).spec;
    const headers = csrHeader(used, challengeOf(code));
    redeemedAnswer(await post({ port: service.port, ca }, new URL(url).pathname, code, { headers }));
    const { stderr } = expectSuccess(await issueFresh(place.path('third.yaml')));
    expect(stderr).toMatch(/^warning: this request was used already: token key-\w{16}-\w+ of grant "first"/m);
  });

  it('reads a request of openssl req -newhdr', async () => {
    const text = opensslRequest('/CN=north', { more: ['-newhdr'] }).pem;
    expect(text).toContain('BEGIN NEW CERTIFICATE REQUEST');
    const { stdout } = expectSuccess(await issue(['--request', '-'], { input: text }));
    expect((await inspect(stdout)).signed.subject).toBe('north');
  });

  it('issues a token with the signing key of a grant, without the service', async () => {
    await run('grant', 'create', 'exported', '--redemptions-allowed', '5');
    const signingKey = place.path('exported.json');
    await run('grant', 'show', 'exported', '--signing-key', signingKey);
    const file = place.path('minted.yaml');
    const words = ['token', 'issue', file, '--signing-key', signingKey, '--request', requestFile];
    expect(expectSuccess(await linkgrant(words)).stderr).toContain(`Key SHA-256 ${fingerprint}`);
    expect(await redeem(file)).toBe('CN=east');
    const twice = await linkgrant(['token', 'issue', '--signing-key', '-', '--request', '-']);
    expect(expectRefusal(twice, 2).error).toContain('both read standard input');
  });

  it('creates no grant in a dry run', async () => {
    const before = await grants();
    const { stdout, stderr } = expectSuccess(await issue(['--request', requestFile, '--dry-run']));
    expect(stdout).toContain('7d');
    expect(stderr).toContain(`\nKey SHA-256 ${fingerprint}\nCA SHA-256  ${service.fingerprint}\n`);
    expect(await grants()).toEqual(before);
  });

  it('deletes the new grant if its rules do not allow the subject of the request', async () => {
    const before = await grants();
    const refused = await issue(['--request', requestFile, '--subjects', 'west']);
    expect(expectRefusal(refused, 2).error).toContain('does not allow the subject "east"');
    expect(await grants()).toEqual(before);
  });

  it.each(UNUSABLE_REQUESTS)('refuses %s, and creates nothing', async (_what, text, reason) => {
    const before = await grants();
    const file = place.path('refused.yaml');
    const ended = await issue([file, '--request', '-'], { input: text });
    expect(expectRefusal(ended, 2).error).toMatch(/^the certificate request cannot be used: /);
    expect(ended.stderr).toContain(reason);
    for (const part of text.split('\n').filter(({ length }) => length > 40)) {
      expect(ended.stderr).not.toContain(part);
    }
    expect(existsSync(file)).toBe(false);
    expect(await grants()).toEqual(before);
  });

  it('refuses a text of more than 64 KiB, and a file that does not exist', async () => {
    const long = await issue(['--request', '-'], { input: `${'\n'.repeat(64 * 1024)}${pem}` });
    expect(expectRefusal(long, 2).error).toContain('longer than 64 KiB');
    const missing = await issue(['--request', place.path('missing.csr')]);
    expect(expectRefusal(missing, 2).error).toContain('missing.csr');
  });

  it.each([
    [['--count', '2'], 'for one site and one redemption'],
    [['--redemptions-allowed', '2'], 'for one site and one redemption'],
    [['--grant', 'hub', '--count', '2'], 'for one site and one redemption'],
    [['--code-file', 'f'], '--code-file cannot be combined'],
    [['--grant', 'hub', '--code-file', 'f'], '--code-file cannot be combined'],
    [['--print', 'kubectl'], '--print kubectl cannot be combined with --request'],
    [['--print', 'job'], '--print job cannot be combined with --request'],
    [['--print', 'cloud-init'], '--print cloud-init cannot be combined with --request'],
    [['--print', 'quadlet'], '--print quadlet cannot be combined with --request'],
    [['--subject', 'a\nb'], '--subject is not valid'],
  ])('refuses %j, and creates nothing', async (words, reason) => {
    const before = await grants();
    const ended = await issue(['--request', requestFile, ...words]);
    expect(expectRefusal(ended, 2).error).toContain(reason);
    expect(await grants()).toEqual(before);
  });
});

describe('token inspect', () => {
  it('reports that a token that is bound to a key is no secret, and refuses --check before any request', async () => {
    const { stdout } = expectSuccess(await issue(['--request', requestFile]));
    const { stdout: shown } = expectSuccess(await linkgrant(['token', 'inspect', stdout]));
    expect(shown).toMatch(new RegExp(`^Key SHA-256: +${fingerprint}$`, 'm'));
    expect(shown).toMatch(/: +no secret: only the site with this key can redeem it$/m);
    // The host of this URL does not exist.
    const file = place.path('unreachable.yaml');
    expectSuccess(await issue([file, '--request', requestFile]));
    const text = readFileSync(file, 'utf8').replace(/url: https:\/\/[^/]+/, 'url: https://nowhere.invalid');
    writeFileSync(file, text);
    const refused = expectRefusal(await linkgrant(['token', 'inspect', file, '--check']), 2);
    expect(refused.error).toContain('only where the request was made');
  });

  it.each([
    ['a file', requestFile],
    ['a request line', line],
  ])('shows the certificate request in %s', async (_what, where) => {
    expect(await inspect(where)).toEqual({
      request: { subject: 'east', keyType: 'p256', keySha256: keySha256(key) },
    });
    const { stdout } = expectSuccess(await linkgrant(['token', 'inspect', where]));
    expect(stdout).toContain(fingerprint);
    expect((await linkgrant(['token', 'inspect', where, '--check'])).code).toBe(2);
  });

  it('shows a request without a common name, and refuses one with another signature', async () => {
    const nameless = await linkgrant(['token', 'inspect', '-'], { input: opensslRequest('/O=Example').pem });
    expect(expectSuccess(nameless).stdout).toContain('no subject that is one common name');
    const [, text] = UNUSABLE_REQUESTS.find(([what]) => what.includes('another signature')) ?? [];
    const refused = await linkgrant(['token', 'inspect', '-'], { input: text ?? '' });
    expect(expectRefusal(refused, 2).error).toContain('does not prove possession');
  });
});

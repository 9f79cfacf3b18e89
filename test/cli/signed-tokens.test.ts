import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { mintSignedCode } from '../../src/codes/signed-code.js';
import { openAcceptingSite } from '../support/accepting-site.js';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  type RunOptions,
  refusalOf,
} from '../support/command-line.js';

const site = await openAcceptingSite();
const { place, dataDir, service, report } = site;
/** The number in the name of the latest site or token file. */
let lastNumber = 0;

/** Runs a command on the data directory of the service, and expects the exit code `ends`. */
async function run(words: readonly string[], { ends = 0, ...options }: RunOptions & { ends?: number } = {}) {
  const ended = await linkgrant([...words, '--data-dir', dataDir], options);
  expect(ended.code, ended.stderr).toBe(ends);
  return ended;
}

/** Creates a grant for ten redemptions within two hours. Returns its report. */
const hub = (name: string, ...words: readonly string[]) =>
  report('grant', 'create', name, '--redemptions-allowed', '10', '--expiration-window', '2h', ...words);

const read = (file: string) => parse(readFileSync(file, 'utf8'));
const inspect = async (file: string, ...words: readonly string[]) =>
  json(await linkgrant(['token', 'inspect', file, '-o', 'json', ...words]));
const shown = (grant: string) => report('grant', 'show', grant);
const listed = (...words: readonly string[]) => report('token', 'list', ...words);

/** Redeems as another site: with a data directory of its own. */
function redeem(file: string, ...words: readonly string[]) {
  lastNumber += 1;
  return site.redeem(file, `site-${lastNumber}`, ...words);
}

/** Writes a signed token of a grant. Returns its file. */
async function issue(grant: string, ...words: readonly string[]): Promise<string> {
  lastNumber += 1;
  const file = place.path(`token-${lastNumber}.yaml`);
  await run(['token', 'issue', file, '--grant', grant, ...words]);
  return file;
}

describe('token issue --grant', () => {
  it('writes a signed token readable only by its owner, within the limits of its grant, and prints its contents', async () => {
    const { uid, expirationTime } = await hub('plain');
    const file = place.path('plain.yaml');
    const { stdout, stderr } = await run(['token', 'issue', file, '--grant', 'plain', '--link-cost', '7']);
    expect(stdout).toBe('');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { metadata, spec } = read(file);
    expect(spec).toMatchObject({ url: `${service.url}/${uid}`, linkCost: 7 });
    expect(spec.code).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    const end = expirationTime.replace('Z', '.000Z');
    expect(metadata).toEqual({
      name: 'plain',
      annotations: { 'linkgrant.dev/expiration-time': end, 'linkgrant.dev/redemptions-allowed': '1' },
    });
    const { signed } = await inspect(file);
    expect(stderr.split('\n')).toEqual([
      `Token ${signed.id} written to ${file}`,
      `Redeem at ${spec.url}`,
      `Can be redeemed once, until ${expirationTime}`,
      'Links to inter-router router.example.com:55671',
      'Grant "plain" has 10 redemptions left, for all its tokens together',
      `Revoke with \`linkgrant token revoke ${signed.id} --grant plain -n default --data-dir ${dataDir}\``,
      expect.stringContaining('`linkgrant token redeem plain.yaml --subject SITE`'),
      '',
    ]);
    expect(await listed('--grant', 'plain')).toEqual([
      {
        ...{ id: signed.id, grant: 'plain', namespace: 'default', grantUid: uid, state: 'ready' },
        ...{ redemptions: 0, redemptionsAllowed: 1, expirationTime, issuedAt: expect.any(String) },
      },
    ]);
  });

  it('does not store the claims or signature of a token', async () => {
    await hub('kept');
    const [, claims, signature] = read(await issue('kept')).spec.code.split('.');
    const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name)).toString('latin1');
      expect(content.includes(signature) || content.includes(claims), name).toBe(false);
    }
  });

  it('sets its own limits, name and subject, and expires with its grant at the latest; the certificate has the subject', async () => {
    const { expirationTime } = await hub('limits');
    const own = ['--redemptions-allowed', '3', '--expiration-window', '5m', '--subject', 'Größe 7'];
    const file = await issue('limits', ...own, '--name', 'to-hub');
    expect(read(file).metadata).toMatchObject({
      name: 'to-hub',
      annotations: { 'linkgrant.dev/redemptions-allowed': '3' },
    });
    const { signed, ...report } = await inspect(file);
    expect(signed).toMatchObject({ redemptionsAllowed: 3, subject: 'Größe 7' });
    expect(signed.expirationTime).toBe(report.expirationTime);
    expect(Date.parse(signed.expirationTime) - Date.parse(signed.issuedAt)).toBeLessThanOrEqual(5 * 60_000);
    expect(Date.parse(signed.expirationTime) - Date.parse(signed.issuedAt)).toBeGreaterThan(
      5 * 60_000 - 2_000,
    );
    const redeemed = expectSuccess(await redeem(file));
    expect(redeemed.stdout + redeemed.stderr).toContain('The certificate of "Größe 7"');
    const longer = await inspect(await issue('limits', '--expiration-window', '9d'));
    expect(longer.signed.expirationTime).toBe(expirationTime);
  });

  it('creates several tokens in a directory, and never replaces an existing file', async () => {
    await hub('many');
    const directory = place.path('many');
    const many = ['token', 'issue', directory, '--grant', 'many', '--name', 'to-hub'];
    await run([...many, '--count', '3']);
    const first = readFileSync(join(directory, 'to-hub-2.yaml'), 'utf8');
    const { stderr } = await run([...many, '--count', '2']);
    expect(readdirSync(directory).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `to-hub-${n}.yaml`));
    expect(readFileSync(join(directory, 'to-hub-2.yaml'), 'utf8')).toBe(first);
    expect(stderr.match(/^Token [0-9a-f]{24} written to /gm)).toHaveLength(2);
    expect(stderr).toContain(
      'copy one of these AccessTokens, then run `linkgrant token redeem FILE --subject SITE`',
    );
    const ids = (await listed('--grant', 'many')).map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(5);
    expect(statSync(join(directory, 'to-hub-5.yaml')).mode & 0o777).toBe(0o600);
  });

  it('revokes a token that it could not write', async () => {
    await hub('unwritten');
    const blocked = place.path('blocked');
    mkdirSync(blocked, { mode: 0o555 });
    const ended = await run(['token', 'issue', `${blocked}/t.yaml`, '--grant', 'unwritten'], {
      ends: 1,
      obeysPermissions: true,
    });
    expect(refusalOf(ended).error).toContain('cannot be written');
    expect(await listed('--grant', 'unwritten')).toMatchObject([{ state: 'revoked' }]);
  });

  it('refuses a subject that the rules of the grant do not allow', async () => {
    await run(['grant', 'create', 'ruled', '--subjects', 'paris,lyon-*']);
    const issue = (subject: string, ends: number) =>
      run(['token', 'issue', place.path(`${subject}.yaml`), '--grant', 'ruled', '--subject', subject], {
        ends,
      });
    expect(refusalOf(await issue('berlin', 2)).error).toBe(
      'grant "ruled" does not allow the subject "berlin", so the token could not be redeemed',
    );
    expect(await listed('--grant', 'ruled')).toEqual([]);
    await issue('lyon-2', 0);
  });

  beforeAll(() => hub('refused'));

  it.each([
    [['--redemptions-allowed', '11'], 1, 'a token cannot allow more'],
    [['--redemptions-allowed', '0'], 2, '--redemptions-allowed cannot be "0"'],
    [['--expiration-window', 'soon'], 2, '--expiration-window cannot be "soon"'],
    [['--expiration-window', '1ms'], 1, 'within the second'],
    [['--subject', 'a\nb'], 2, '--subject is not valid'],
    [['--name', 'Not_A_Name'], 2, '--name cannot be "Not_A_Name"'],
    [['--issuer', 'skupper-site-ca'], 2, 'cannot be combined with --grant: grant "refused" has its own'],
    [['--count', '1001'], 2, 'at most 1000 tokens'],
    [['--count', '2', '--print', 'job'], 2, '--count issues AccessTokens in a directory, or join lines'],
    [
      ['--code-file', 'f', '--redemptions-allowed', '2'],
      2,
      'a token with --code-file has the limits of grant',
    ],
    [['--code-file', 'f', '--subject', 'a'], 2, 'a token with --code-file has the limits of grant'],
  ])('refuses %j, and creates nothing', async (words, ends, reason) => {
    const file = place.path('refused.yaml');
    const ended = await run(['token', 'issue', file, '--grant', 'refused', ...words], { ends });
    expect(refusalOf(ended).error).toContain(reason);
    expect(existsSync(file)).toBe(false);
    expect(await listed('--grant', 'refused')).toEqual([]);
  });

  it('refuses an expired, revoked or unknown grant', async () => {
    await hub('short', '--expiration-window', '1s');
    await hub('gone');
    await run(['grant', 'revoke', 'gone']);
    const refused = async (grant: string) =>
      refusalOf(await run(['token', 'issue', '-', '--grant', grant], { ends: 1 })).error;
    // Until the grant has expired, the command succeeds.
    const expired = async () => expect(await refused('short')).toContain('grant "short" is expired');
    await vi.waitFor(expired, { timeout: 20_000, interval: 100 });
    expect(await refused('gone')).toContain('grant "gone" is revoked');
    expect(await refused('nobody')).toContain('there is no grant "nobody"');
  });

  it('refuses flags of a signed token if it creates a grant', async () => {
    for (const words of [
      ['--subject', 'a'],
      ['--count', '2'],
    ]) {
      const ended = await run(['token', 'issue', '-', ...words], { ends: 2 });
      expect(refusalOf(ended).hint).toContain('--grant');
    }
  });

  it('refuses a data directory without the keys of the service', async () => {
    await hub('foreign');
    const elsewhere = place.path('elsewhere');
    const words = [
      ...['--grant', 'foreign', '--data-dir', elsewhere],
      ...['--store', `sqlite:${join(dataDir, 'linkgrant.db')}`],
    ];
    expect(expectRefusal(await linkgrant(['token', 'issue', '-', ...words]), 2).hint).toContain('--data-dir');
    expect(existsSync(join(elsewhere, 'code-keys'))).toBe(false);
  });
});

describe('a signed token', () => {
  it('token inspect prints the claims of a signed token, and not its code', async () => {
    await hub('inspected');
    const file = await issue('inspected', '--subject', 'east', '--redemptions-allowed', '2');
    const { stdout } = await linkgrant(['token', 'inspect', file]);
    const { code } = read(file).spec;
    expect(stdout).toMatch(/^Token id: +[0-9a-f]{24}$/m);
    expect(stdout).toMatch(/^For subject: +east$/m);
    expect(stdout).toMatch(/^Uses: +2$/m);
    const texts = [stdout, (await linkgrant(['token', 'inspect', file, '-o', 'json', '--check'])).stdout];
    for (const text of texts) for (const part of code.split('.')) expect(text).not.toContain(part);
    // Another program may create a token without annotations.
    const bare = place.path('bare.yaml');
    const { metadata, ...rest } = read(file);
    writeFileSync(bare, JSON.stringify({ ...rest, metadata: { name: metadata.name } }));
    expect((await linkgrant(['token', 'inspect', bare])).stdout).toMatch(/^Uses: +2$/m);
  });
});

describe('token revoke', () => {
  const revoke = (id: string, grant: string) => run(['token', 'revoke', id, '--grant', grant]);

  it('revokes one token only, lists its links, and can be repeated', async () => {
    await hub('revoking');
    const [one, two] = [await issue('revoking', '--redemptions-allowed', '5'), await issue('revoking')];
    await redeem(one, '--name', 'to-revoking');
    const { id } = (await inspect(one)).signed;
    const first = await revoke(id, 'revoking');
    expect(first.stdout).toContain(
      `Token ${id} of grant "revoking" is revoked. It can no longer be redeemed.`,
    );
    expect(first.stdout).toContain('Links that were created with it stay valid: 1.');
    const [redemption] = json(await run(['redemption', 'list', '--grant', 'revoking', '-o', 'json']));
    expect(first.stdout).toContain(`${redemption.id}  to-revoking  to-revoking\n`);
    expect((await revoke(id, 'revoking')).stdout).toContain('was already revoked');
    expect((await redeem(one)).code).toBe(3);
    const revoked = await linkgrant(['token', 'inspect', one, '--check', '-o', 'json']);
    expect(json(revoked)).toMatchObject({ check: { state: 'revoked' } });
    expect(expectRefusal(revoked, 3).hint).toContain('the token or its grant was revoked');
    expect((await redeem(two)).code).toBe(0);
    expect(await shown('revoking')).toMatchObject({ signedTokens: 2, signedTokensRevoked: 1 });
    expect((await run(['grant', 'show', 'revoking'])).stdout).toMatch(
      /^Signed tokens: +2, 1 of them revoked$/m,
    );
  });

  it('finds the grant of the token in the namespace without --grant', async () => {
    await hub('bystander');
    await hub('found');
    await hub('elsewhere', '-n', 'north');
    const [file, other] = [await issue('found'), await issue('elsewhere', '-n', 'north')];
    const { id } = (await inspect(file)).signed;
    const { stdout } = await run(['token', 'revoke', id]);
    expect(stdout).toContain(`Token ${id} of grant "found" is revoked. It can no longer be redeemed.`);
    expect((await redeem(file)).code).toBe(3);
    expect((await run(['token', 'revoke', id])).stdout).toContain('was already revoked');
    const { id: foreign } = (await inspect(other)).signed;
    const refused = await run(['token', 'revoke', foreign], { ends: 2 });
    expect(refusalOf(refused).error).toContain(`no record of token ${foreign} in namespace "default"`);
    expect(refusalOf(refused).hint).toMatch(/--grant NAME.*`linkgrant token list/);
    expect((await run(['token', 'revoke', foreign, '-n', 'north'])).stdout).toContain(
      '"elsewhere" is revoked',
    );
  });

  it('revokes no token of another grant that was issued with its signing key and the same id', async () => {
    await hub('issued');
    await hub('shadow');
    await hub('unknown');
    const key = place.path('shadow.json');
    await run(['grant', 'show', 'shadow', '--signing-key', key]);
    /** Redeems a token of grant "shadow" that has the id `jti`. */
    const redeemShadow = async (jti: string) => {
      const file = place.path(`shadow-${jti}.yaml`);
      await linkgrant(['token', 'issue', file, '--signing-key', key]);
      const token = read(file);
      const { grant, jwk } = JSON.parse(readFileSync(key, 'utf8'));
      const now = Date.now();
      const code = { jti, grantUid: grant.uid, uses: 1, issuedAt: now, expirationTime: now + 600_000 };
      const signingKey = { kid: jwk.kid, key: Buffer.from(jwk.k, 'base64url') };
      token.spec.code = await mintSignedCode(code, signingKey);
      writeFileSync(file, stringify(token));
      expect((await redeem(file)).code).toBe(0);
    };
    const file = await issue('issued');
    const { id } = (await inspect(file)).signed;
    await redeemShadow(id);
    const ambiguous = refusalOf(await run(['token', 'revoke', id], { ends: 2 }));
    expect(ambiguous.error).toMatch(/grant "issued"/);
    expect(ambiguous.error).toMatch(/grant "shadow"/);
    expect(ambiguous.hint).toContain('--grant NAME');
    expect((await revoke(id, 'issued')).stdout).toContain('of grant "issued" is revoked');
    expect((await redeem(file)).code).toBe(3);

    // The service did not issue the token of grant "unknown", so it only knows the one of grant "shadow".
    const unknown = 'f6e5d4c3b2a1f6e5d4c3b2a1';
    await redeemShadow(unknown);
    const single = refusalOf(await run(['token', 'revoke', unknown], { ends: 2 }));
    expect(single.error).toContain('grant "shadow" (not issued by this service)');
    expect((await revoke(unknown, 'unknown')).stdout).toContain(`no record of token ${unknown}`);
    expect(await shown('unknown')).toMatchObject({ signedTokensRevoked: 1 });
    expect(await shown('shadow')).toMatchObject({ signedTokensRevoked: 0 });
  });

  it('needs --grant for a token of which the service has no record but a revocation', async () => {
    await hub('guessed');
    const id = 'a1b2c3d4e5f6a1b2c3d4e5f6';
    await revoke(id, 'guessed');
    const refused = await run(['token', 'revoke', id], { ends: 2 });
    expect(refusalOf(refused).error).toContain(`no record of token ${id}`);
  });

  it('refuses a token of another grant and names that grant', async () => {
    await hub('right');
    await hub('wrong');
    const file = await issue('right');
    const { id } = (await inspect(file)).signed;
    const refused = await run(['token', 'revoke', id, '--grant', 'wrong'], { ends: 2 });
    expect(refusalOf(refused).error).toContain(`token ${id} belongs to grant "right", not to "wrong"`);
    expect(await shown('wrong')).toMatchObject({ signedTokens: 0 });
    expect((await redeem(file)).code).toBe(0);
  });

  it('revokes a token of which the service has no record, also after it was revoked with another grant', async () => {
    await hub('other');
    await hub('unseen');
    const key = place.path('unseen.json');
    await run(['grant', 'show', 'unseen', '--signing-key', key]);
    const file = place.path('unseen.yaml');
    await linkgrant(['token', 'issue', file, '--signing-key', key]);
    const { id } = (await inspect(file)).signed;
    for (const grant of ['other', 'unseen']) {
      const { stdout } = await revoke(id, grant);
      expect(stdout).toContain(
        `The service has no record of token ${id}. It is refused from now on if it is a token of grant "${grant}".\n`,
      );
      expect(stdout).not.toContain('is revoked');
      expect(stdout).toContain('No link was created with it.');
    }
    expect((await redeem(file)).code).toBe(3);
    expect(await shown('unseen')).toMatchObject({ redemptions: 0, signedTokensRevoked: 1 });
  });

  it.each([
    [['not an id', '--grant', 'x'], 2, 'the argument is not the id of a token'],
    [['abcdefgh'], 2, 'the service has no record of token abcdefgh in namespace "default"'],
    [['abcdefgh', '--grant', 'nobody'], 1, 'there is no grant "nobody"'],
  ])('refuses %j', async (words, ends, reason) => {
    const ended = await run(['token', 'revoke', ...words], { ends });
    expect(refusalOf(ended).error).toContain(reason);
  });
});

describe('token list', () => {
  it('lists the tokens of one grant, of a namespace, or of all', async () => {
    await hub('listed');
    await hub('listed', '-n', 'west');
    await issue('listed', '--subject', 'east');
    await issue('listed', '-n', 'west');
    const of = async (...words: readonly string[]) =>
      (await listed(...words)).map(
        ({ namespace, grant }: { namespace: string; grant: string }) => `${namespace}/${grant}`,
      );
    expect(await of('--grant', 'listed')).toEqual(['default/listed']);
    expect(await of('-n', 'west')).toEqual(['west/listed']);
    expect(await of('-A')).toEqual(expect.arrayContaining(['default/listed', 'west/listed']));
    const { stdout } = await run(['token', 'list', '--grant', 'listed']);
    expect(stdout).toMatch(
      /^ID +GRANT +STATE +REDEMPTIONS +EXPIRATION +SUBJECT\n[0-9a-f]{24} +listed +ready +0\/1 .* east\n$/,
    );
    const yaml = await run(['token', 'list', '--grant', 'listed', '-o', 'yaml']);
    expect(parse(yaml.stdout)).toMatchObject([{ grant: 'listed', subject: 'east' }]);
    expect((await run(['token', 'list', '-n', 'nowhere'])).stdout).toBe(
      'There are no signed tokens in namespace "nowhere"; -A lists those of all namespaces.\n',
    );
  });

  it('shows no expiry after that of the grant', async () => {
    await hub('shortened');
    await issue('shortened');
    const [before] = await listed('--grant', 'shortened');
    await run(['grant', 'update', 'shortened', '--expiration-window', '1h']);
    const { expirationTime } = await shown('shortened');
    expect(expirationTime < before.expirationTime).toBe(true);
    expect(await listed('--grant', 'shortened')).toMatchObject([{ id: before.id, expirationTime }]);
    await run(['grant', 'update', 'shortened', '--expiration-window', '3h']);
    expect(await listed('--grant', 'shortened')).toMatchObject([before]);
  });
});

describe('an exported signing key', () => {
  it('issues tokens of its grant without a store or a service', async () => {
    const { uid, expirationTime } = await hub('exported');
    const key = place.path('exported.json');
    const { stderr } = await run(['grant', 'show', 'exported', '--signing-key', key]);
    expect(stderr).toContain('any number of tokens of grant "exported"');
    const named = await run(['grant', 'show', 'exported', '--signing-key', 'named.json'], {
      cwd: place.directory,
    });
    expect(named.stderr).toContain(
      `Next: linkgrant token issue TOKEN --signing-key ${place.path('named.json')}\n`,
    );
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(key, 'utf8'))).toMatchObject({
      kind: 'linkgrant-signing-key',
      grant: { uid, namespace: 'default', name: 'exported' },
      url: `${service.url}/${uid}`,
      redemptionsAllowed: 10,
      jwk: { kty: 'oct', alg: 'HS256', kid: expect.any(String), k: expect.stringMatching(/^[\w-]{43}$/) },
    });
    const home = place.path('nothing-here');
    const env = { HOME: home, LINKGRANT_DATA_DIR: join(home, 'data') };
    const minting = ['--signing-key', key, '--redemptions-allowed', '2', '--subject', 'east'];
    const ended = expectSuccess(await linkgrant(['token', 'issue', '-', ...minting], { env }));
    expect(existsSync(home)).toBe(false);
    const file = place.path('exported.yaml');
    writeFileSync(file, ended.stdout);
    expect((await inspect(file)).signed).toMatchObject({
      redemptionsAllowed: 2,
      subject: 'east',
      expirationTime,
    });
    expect(await listed('--grant', 'exported')).toEqual([]);
    expect((await redeem(file)).code).toBe(0);
    expect(await listed('--grant', 'exported')).toMatchObject([
      { redemptions: 1, redemptionsAllowed: 2, subject: 'east', state: 'ready' },
    ]);
    const piped = await linkgrant(
      ['token', 'issue', place.path('piped'), '--signing-key', '-', '--count', '2'],
      {
        input: (await run(['grant', 'show', 'exported', '--signing-key', '-'])).stdout,
      },
    );
    expectSuccess(piped);
    expect((await redeem(place.path('piped', 'exported-2.yaml'))).code).toBe(0);
  });

  it('issues nothing after the expiry of its grant, and not more uses than the grant has', async () => {
    await hub('over');
    const key = place.path('over.json');
    await run(['grant', 'show', 'over', '--signing-key', key]);
    const content = JSON.parse(readFileSync(key, 'utf8'));
    const mint = async (changes: object, ...words: readonly string[]) => {
      writeFileSync(key, JSON.stringify({ ...content, ...changes }));
      const ended = await linkgrant(['token', 'issue', '-', '--signing-key', key, ...words]);
      expect([ended.code, ended.stdout]).toEqual([1, '']);
      return refusalOf(ended).error;
    };
    expect(await mint({ expirationTime: '2020-01-01T00:00:00Z' })).toContain('grant "over" has ended');
    expect(await mint({}, '--redemptions-allowed', '11')).toContain('10 times in all');
  });

  it.each([
    ['is no JSON', 'eyJ…', 'it is not JSON'],
    ['is something else', '{"kind": "Secret"}', 'it is not a signing key file'],
    ['is a list', '[]', 'it is not a signing key file'],
    ['has no grant', { grant: undefined }, 'its grant has no valid uid'],
    ['has no key', { jwk: undefined }, 'it has no HS256 key'],
    ['has a short key', { jwk: { kty: 'oct', alg: 'HS256', kid: 'k', k: 'c2hvcnQ' } }, 'it has no HS256 key'],
    ['has a key for something else', { jwk: { kty: 'oct', alg: 'A256GCM' } }, 'it has no HS256 key'],
    ['has the URL of another grant', { url: 'https://a.example.com/x' }, 'its url is not that of its grant'],
    ['has no CA', { ca: 'none' }, 'its ca is not PEM'],
    ['has no valid expirationTime', { expirationTime: 'never' }, 'no valid expirationTime'],
    ['has no valid redemptionsAllowed', { redemptionsAllowed: 0 }, 'no valid redemptionsAllowed'],
  ])(
    'token issue refuses a signing key that %s, and does not print its contents',
    async (_what, changes, reason) => {
      const good = place.path('good.json');
      if (!existsSync(good)) {
        await hub('good');
        await run(['grant', 'show', 'good', '--signing-key', good]);
      }
      const content = JSON.parse(readFileSync(good, 'utf8'));
      const input = typeof changes === 'string' ? changes : JSON.stringify({ ...content, ...changes });
      const ended = await linkgrant(['token', 'issue', '-', '--signing-key', '-'], { input });
      expect(expectRefusal(ended, 2).error).toMatch(/^the signing key cannot be used: /);
      expect(refusalOf(ended).error).toContain(reason);
      expect(ended.stderr).not.toContain(content.jwk.k);
    },
  );

  it.each(['--grant x', '--code-file x', '--issuer x', '-n x', '--data-dir x', '--csr-required'])(
    '--signing-key cannot be combined with %s',
    async (flag) => {
      const ended = await linkgrant(['token', 'issue', '-', '--signing-key', 'x', ...flag.split(' ')]);
      expect(expectRefusal(ended, 2).error).toContain('does not use the service');
    },
  );
});

describe('token rotate-key', () => {
  it('leaves old tokens valid until --drop-old, and signs new ones with another key', async () => {
    await hub('rotated');
    const [before, kept] = [await issue('rotated'), await issue('rotated')];
    const key = place.path('rotated.json');
    await run(['grant', 'show', 'rotated', '--signing-key', key]);
    const { stdout } = await run(['token', 'rotate-key']);
    const kid = /with key (\S+),/.exec(stdout)?.[1];
    const after = await issue('rotated');
    const headerOf = (file: string) =>
      JSON.parse(Buffer.from(read(file).spec.code.split('.')[0], 'base64url').toString());
    expect(headerOf(after).kid).toBe(kid);
    expect(headerOf(before).kid).not.toBe(kid);
    const elsewhere = place.path('rotated-elsewhere.yaml');
    await linkgrant(['token', 'issue', elsewhere, '--signing-key', key]);
    for (const file of [before, after, elsewhere]) expect((await redeem(file)).code).toBe(0);

    const refused = await run(['token', 'rotate-key', '--drop-old'], { ends: 2 });
    expect(refusalOf(refused).hint).toContain('--yes');
    expect((await redeem(await issue('rotated'))).code).toBe(0);
    await run(['token', 'rotate-key', '--drop-old', '--yes']);
    expect((await redeem(kept)).code).toBe(3);
    expect((await inspect(await issue('rotated'), '--check')).check).toMatchObject({ state: 'ready' });
    expect(readdirSync(join(dataDir, 'code-keys'))).toHaveLength(1);
  });
});

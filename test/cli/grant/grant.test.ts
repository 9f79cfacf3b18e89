import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { openAcceptingSite } from '../../support/accepting-site.js';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  type RunOptions,
  refusalOf,
} from '../../support/command-line.js';
import { until } from '../../support/until.js';

const { place, dataDir, service, run, report } = await openAcceptingSite();

const CODE = /[A-Za-z0-9]{24}/;

function grant(words: readonly string[], options?: RunOptions) {
  return linkgrant(['grant', ...words, '--data-dir', dataDir], options);
}

const createGrant = (name: string, ...words: readonly string[]) => report('grant', 'create', name, ...words);

/** Redeems a token into standard output, as a site with a data directory of its own. */
const redeem = (token: string, site: string, ...words: readonly string[]) =>
  linkgrant(['token', 'redeem', '-', '--to', '-', '--data-dir', place.path(site), ...words], {
    input: token,
  });

const states = async (...words: readonly string[]) =>
  (await report('grant', 'list', ...words)).map(
    ({ name, state }: { name: string; state: string }) => `${name} ${state}`,
  );

describe('grant create', () => {
  it('prints URL, code, uses and expiry, with one use and 15 minutes by default', async () => {
    const { stdout } = expectSuccess(await grant(['create', 'text']));
    expect(stdout).toMatch(/^Grant: +text$/m);
    expect(stdout).toMatch(new RegExp(`^URL: +${service.url}/[0-9a-f-]{36}$`, 'm'));
    expect(stdout).toMatch(/^Code: +[A-Za-z0-9]{24}$/m);
    expect(stdout).toMatch(/^Uses: +1$/m);
    expect(stdout).toMatch(/^Expires: +\d{4}-\d\d-\d\dT[\d:]+Z$/m);
    expect(stdout).toContain(
      `linkgrant token issue TOKEN --grant text --code-file FILE --data-dir ${dataDir}`,
    );
    const report = await createGrant('json');
    expect(report).toMatchObject({
      ...{ name: 'json', namespace: 'default', state: 'ready', redemptions: 0, redemptionsAllowed: 1 },
      ...{ expirationWindow: '15m', url: `${service.url}/${report.uid}`, code: expect.stringMatching(CODE) },
    });
    expect(Date.parse(report.expirationTime) - Date.parse(report.createdAt)).toBe(15 * 60_000);
  });

  it('accepts limits, and prints the same report as YAML', async () => {
    const { stdout } = await grant([
      ...['create', 'limits', '-o', 'yaml', '--redemptions-allowed', '5', '--expiration-window', '1d2h'],
    ]);
    expect(parse(stdout)).toMatchObject({ redemptionsAllowed: 5, expirationWindow: '1d2h' });
  });

  it('creates no grant for an issuer that does not exist', async () => {
    const before = await states();
    const ends = await Promise.all([
      grant(['create', 'of-missing-ca', '--issuer', 'missing-ca']),
      run('token', 'issue', place.path('of-missing-ca.yaml'), '--issuer', 'missing-ca'),
    ]);
    for (const ended of ends) {
      expect(expectRefusal(ended, 1).error).toBe(`there is no issuer "missing-ca" in ${dataDir}/issuers`);
      expect(refusalOf(ended).hint).toContain('--issuer');
    }
    const server = await grant(['create', 'of-server', '--issuer', 'linkgrant-server-ca']);
    expect(refusalOf(server).error).toContain('signs the certificate of this service alone');
    expect(await states()).toEqual(before);
    expect(await createGrant('of-site', '--issuer', 'skupper-site-ca')).toMatchObject({
      issuer: 'skupper-site-ca',
    });
  });

  it('for a grant with several uses, prints that each response counts as a use, even if it is lost', async () => {
    const { stdout } = await grant(['create', 'several', '--redemptions-allowed', '2']);
    expect(stdout).toContain('counts, even if it is lost');
  });

  it('reads a user-supplied code from a file or standard input, without its last newline', async () => {
    const chosen = 'a-code-of-our-own-choice';
    const file = place.path('chosen.code');
    writeFileSync(file, `${chosen}\n`);
    expect((await createGrant('from-file', '--code-file', file)).code).toBe(chosen);
    const piped = await grant(['create', 'piped', '-o', 'json', '--code-file', '-'], { input: chosen });
    expect(json(piped).code).toBe(chosen);
  });

  it.each([
    ['easy to guess', 'passwordpassword', 'easy to guess; generate one with `openssl rand -hex 16`'],
    ['too short', 'hunter2', 'at least 16 characters'],
  ])('refuses a code that is %s, without showing it, and creates no grant', async (_what, code, reason) => {
    const ended = await grant(['create', 'weak', '--code-file', '-'], { input: `${code}\n` });
    expect(expectRefusal(ended, 2).error).toContain(reason);
    expect(ended.stdout + ended.stderr).not.toContain(code);
    expect(await states()).not.toContain('weak ready');
  });

  it.each([
    [['create', 'Under_Score'], 'grant name "Under_Score"'],
    [['create', 'x', '-n', 'Name.Space'], 'cannot be "Name.Space"'],
    [['create', 'x', '--redemptions-allowed', '0'], '--redemptions-allowed cannot be "0"'],
    [['create', 'x', '--redemptions-allowed', 'many'], '--redemptions-allowed cannot be "many"'],
    [['create', 'x', '--redemptions-allowed', '1000001'], 'from 1 to 1000000'],
    [['create', 'x', '--expiration-window', '0s'], '--expiration-window cannot be "0s"'],
    [['create', 'x', '--expiration-window', '5000d'], 'at most 10 years'],
    [['create', 'x', '--code-file', '/nonexistent/code'], 'the code file cannot be read'],
    [['create', 'x', '-o', 'xml'], '--output cannot be "xml"'],
    [['create'], "missing required argument 'NAME'"],
  ])('refuses %j with the reason, and creates nothing', async (words, reason) => {
    const ended = await grant(words);
    expect(expectRefusal(ended, 2).error).toContain(reason);
    expect(ended.stdout).toBe('');
    expect(await states('-A')).not.toContain('x ready');
  });

  it('refuses a second grant of the same name in a namespace, and accepts it in another', async () => {
    await createGrant('twice');
    const again = expectRefusal(await grant(['create', 'twice']), 2);
    expect(again.error).toContain('already a grant "twice" in namespace "default"');
    expect(await createGrant('twice', '-n', 'other')).toMatchObject({ namespace: 'other' });
    expect(await states('-n', 'other')).toEqual(['twice ready']);
  });

  it('prints the grant with -o, and writes the code only into the token file', async () => {
    const file = place.path('with-token.yaml');
    const created = expectSuccess(await grant(['create', 'with-token', '--token', file, '-o', 'json']));
    const { code } = parse(readFileSync(file, 'utf8')).spec;
    const report = json(created);
    expect(report).toMatchObject({ name: 'with-token', state: 'ready', url: `${service.url}/${report.uid}` });
    expect(report).not.toHaveProperty('code');
    expect(created.stdout + created.stderr).not.toContain(code);
    expect(created.stderr).toContain(`Token written to ${file}\n`);
    const both = expectRefusal(await grant(['create', 'both', '--token', '-', '-o', 'json']), 2);
    expect(both.error).toBe('--token - and -o both write to standard output');
    expect(await states()).not.toContain('both ready');
  });

  it('prints no code if its token is piped to a redemption', async () => {
    const created = expectSuccess(await grant(['create', 'piped-token', '--token', '-']));
    const { kind, spec } = parse(created.stdout);
    expect(kind).toBe('AccessToken');
    expect(created.stderr).not.toContain(spec.code);
    expect(created.stderr).toContain(`Redeem at ${spec.url}`);
    const redeemed = expectSuccess(await redeem(created.stdout, 'site'));
    expect(redeemed.stdout + redeemed.stderr).not.toContain(spec.code);
    expect(await states()).toContain('piped-token exhausted');
  });
});

describe('grant list and grant show', () => {
  it('prints state and count, never the code', async () => {
    const { uid, code } = await createGrant('seen');
    const shown = await grant(['show', 'seen']);
    expect(shown.stdout).toMatch(/^State: +ready$/m);
    expect(shown.stdout).toMatch(/^Redemptions: +0 of 1$/m);
    expect(await report('grant', 'show', uid)).toMatchObject({ name: 'seen', uid, attempts: [] });
    const listed = await grant(['list']);
    expect(listed.stdout).toMatch(new RegExp(`^seen +ready +0/1 .* ${uid} +-$`, 'm'));
    const yaml = await grant(['list', '-o', 'yaml']);
    expect(parseDocument(yaml.stdout).errors).toEqual([]);
    const all = [shown, listed, yaml].map(({ stdout, stderr }) => stdout + stderr).join('');
    expect(all).not.toContain(code);
  });

  it('lists the grants with a name or in a state', async () => {
    await createGrant('named');
    const names = async (...words: readonly string[]) =>
      (await grant(['list', '-o', 'name', ...words])).stdout.split('\n').filter(Boolean);
    expect(await names('--name', 'named')).toEqual(['named']);
    expect(await names('--name', 'named', '--state', 'ready')).toEqual(['named']);
    expect(await names('--state', 'revoked')).not.toContain('named');
    expect((await grant(['list', '--name', 'absent'])).stdout).toBe('No grant matches.\n');
  });

  it('grant show prints the redemptions and refusals', async () => {
    const { stdout: token } = await grant(['create', 'tried', '--token', '-']);
    expect((await redeem(token, 'west', '--subject', 'west')).code).toBe(0);
    expect((await redeem(token, 'east', '--subject', 'east')).code).toBe(3);
    // The service records a refusal after its response.
    const attempts = async () =>
      (await report('grant', 'show', 'tried')).attempts.map(
        ({ outcome, subject }: Record<string, string>) => `${outcome} ${subject}`,
      );
    await until(async () => (await attempts()).length === 2);
    expect(await attempts()).toEqual(expect.arrayContaining(['redeemed west', 'grant_exhausted east']));
    expect((await grant(['show', 'tried'])).stdout).toMatch(/grant_exhausted +tried +east +127\.0\.0\.1/);
  });

  it('grant show prints the requests with a wrong code, with time and address of the last one', async () => {
    const { stdout: token } = await grant(['create', 'mistaken', '--token', '-']);
    const wrong = token.replace(/^( +code: ).*$/m, '$1not-the-code');
    expect((await redeem(wrong, 'north')).code).toBe(3);
    const wrongCodes = async () => (await report('grant', 'show', 'mistaken')).wrongCodes;
    await until(async () => (await wrongCodes()) !== undefined);
    expect(await wrongCodes()).toEqual({ count: 1, last: expect.stringMatching(/Z$/), peer: '127.0.0.1' });
    const { stdout } = await grant(['show', 'mistaken']);
    expect(stdout).toMatch(/^1 request with a wrong code or identity, \d+ s ago from 127\.0\.0\.1$/m);
    expect((await grant(['show', 'seen'])).stdout).not.toContain('wrong code');
  });

  it('show, revoke and delete report an unknown grant', async () => {
    const ends = await Promise.all(
      ['show', 'revoke', 'delete'].map((verb) => grant([verb, 'nobody-made-this'])),
    );
    for (const ended of ends) {
      expect(expectRefusal(ended, 1)).toEqual({
        error: 'there is no grant "nobody-made-this" in namespace "default"',
        hint: `see \`linkgrant grant list -A --data-dir ${dataDir}\``,
      });
    }
  });
});

describe('grant revoke and delete', () => {
  it('revokes permanently: the token cannot be redeemed any more', async () => {
    const { stdout: token } = await grant(['create', 'revoked', '--token', '-']);
    expect((await grant(['revoke', 'revoked'])).stdout).toContain('is revoked');
    expect((await grant(['revoke', 'revoked'])).stdout).toContain('was already revoked');
    expect(await states()).toContain('revoked revoked');
    expect(expectRefusal(await redeem(token, 'late'), 3).hint).toContain('revoked');
  });

  it('deletes the grant, and leaves the ledger unchanged', async () => {
    const { stdout: token } = await grant(['create', 'gone', '--token', '-']);
    expect((await redeem(token, 'gone-site')).code).toBe(0);
    const { uid } = await report('grant', 'show', 'gone');
    expect((await grant(['delete', 'gone'])).code).toBe(0);
    expect(await states()).not.toContain('gone exhausted');
    const ledger: { grantUid: string }[] = await report('redemption', 'list');
    expect(ledger.filter(({ grantUid }) => grantUid === uid)).toHaveLength(1);
    expect((await redeem(token, 'gone-other')).code).toBe(3);
  });
});

describe('redemption list and redemption show', () => {
  it('prints each redemption, and the certificate as text', async () => {
    const { stdout: token } = await grant(['create', 'ledger', '--token', '-']);
    const redeemed = await redeem(token, 'ledger-site', '--to', place.path('links'), '-o', 'json');
    const { redemptionId, serial } = json(redeemed);
    const list = await run('redemption', 'list', '--grant', 'ledger');
    expect(list.stdout).toMatch(new RegExp(`^${redemptionId} +ledger +20`, 'm'));
    expect(await report('redemption', 'list', '--grant', 'ledger')).toMatchObject([
      { id: redemptionId, grant: 'ledger' },
    ]);
    expect(list.stdout.trim().split('\n')).toHaveLength(2);
    const shown = await run('redemption', 'show', redemptionId);
    expect(shown.stdout).toMatch(/^Grant: +ledger \([0-9a-f-]{36}\)$/m);
    expect(shown.stdout).toMatch(/^Key: +generated by the requesting site$/m);
    expect(shown.stdout).toMatch(/^ +Subject: +CN=ledger$/m);
    expect(shown.stdout).not.toContain('PRIVATE');
    expect(await report('redemption', 'show', redemptionId)).toMatchObject({
      ...{ id: redemptionId, serial, mode: 'csr', name: 'ledger', subject: 'ledger' },
    });
    const missing = expectRefusal(await run('redemption', 'show', 'nothing'), 1);
    expect(missing.hint).toContain('redemption list');
  });
});

describe('before the first start of a service', () => {
  it.each([
    ['grant', 'list'],
    ['grant', 'create', 'x'],
    ['grant', 'create', 'x', '--identities', 'east:*'],
    ['token', 'issue', '-'],
    ['redemption', 'list'],
  ])('%s %s reports that a service must be started', async (...words) => {
    const empty = place.path('empty');
    mkdirSync(empty, { recursive: true });
    for (const directory of [empty, place.path('nowhere')]) {
      const { error, hint } = expectRefusal(await linkgrant([...words, '--data-dir', directory]), 2);
      expect(error).toContain(`${directory}/linkgrant.db has not been set up yet`);
      expect(hint).toContain('linkgrant serve');
      expect(hint).not.toContain('--identities');
    }
  });
});

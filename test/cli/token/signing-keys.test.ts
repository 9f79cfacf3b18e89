import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectSuccess, linkgrant, refusalOf } from '../../support/command-line.js';
import { inspect, openSignedTokenSite, read } from './signed-token-site.js';

const { dataDir, hub, issue, listed, place, redeem, run, service } = await openSignedTokenSite();

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

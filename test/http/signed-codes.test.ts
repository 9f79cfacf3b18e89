import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mintSignedCode, type SignedCode } from '../../src/codes/signed-code.js';
import { createMasterKey, type GrantSigningKey, grantSigningKey } from '../../src/codes/signing-keys.js';
import { KeyGenerator } from '../../src/compose/listener/key-generator.js';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { directoryForTest, releaseAfterFile } from '../support/release.js';
import { composeTestService, DAY, HOUR, MINUTE, startTestService } from '../support/service.js';
import { outcomeOf, type PostOptions, post } from '../support/wire.js';

const STOCK = { name: 'west', subject: '3c1f7e0a-0000-4000-8000-00000000000a' };

/** Counts lookups of the site (one precedes each certificate) and generated keys. */
let work = 0;

const generator = new KeyGenerator('p256', 64);
const service = releaseAfterFile(
  await composeTestService({
    keys: {
      type: 'p256',
      generate() {
        work += 1;
        return generator.generate();
      },
    },
    site: (real) => ({
      resolveAccess(grant) {
        work += 1;
        return real.resolveAccess(grant);
      },
    }),
  }),
);
const codeKeys = new CodeKeyDirectory(service.directory, service.clock.read);

const keyOf = async (grantUid: string): Promise<GrantSigningKey> =>
  grantSigningKey(await codeKeys.current(), grantUid);

let minted = 0;

/** Signs a code for one redemption within an hour; `changes` replaces fields of it. */
async function sign(grantUid: string, changes: Partial<SignedCode> = {}, key?: GrantSigningKey) {
  minted += 1;
  const now = service.clock.read();
  const signedCode: SignedCode = {
    jti: `token-${minted}-of-a-test`,
    grantUid,
    uses: 1,
    issuedAt: now,
    expirationTime: now + HOUR,
    ...changes,
  };
  return { signedCode, code: await mintSignedCode(signedCode, key ?? (await keyOf(grantUid))) };
}

const makeGrant = async (changes: Partial<AccessGrant> = {}) =>
  (
    await service.storedGrant({
      redemptionsAllowed: 100,
      expirationTime: service.clock.read() + DAY,
      ...changes,
    })
  ).grant;

/** Posts as a site with a key of its own does. */
const redeem = (uid: string, code: string, options: PostOptions = {}, key = newKey()) =>
  post(service, `/${uid}`, code, { ...options, headers: { ...csrHeader(key), ...options.headers } });
/** Posts as a Skupper client does, without a key of its own. */
const redeemAsStock = (uid: string, code: string, options: PostOptions = {}) =>
  post(service, `/${uid}`, code, { headers: STOCK, ...options });

describe('a signed code', () => {
  it('is redeemed by a site with its own key and by a Skupper client, and counts for its grant too', async () => {
    const { uid } = await makeGrant();
    const { signedCode, code } = await sign(uid, { uses: 2 });
    const { secret, x509 } = redeemedAnswer(await redeem(uid, code, { headers: { name: 'east' } }));
    expect([secret.metadata.name, x509.subject]).toEqual(['east', 'CN=east']);
    expect(redeemedAnswer(await redeemAsStock(uid, `${code}\n`)).keyPem).toBeDefined();
    expect(await service.used(uid)).toBe(2);
    expect(await service.store.findCode(uid, signedCode.jti)).toMatchObject({ used: 2, uses: 2 });
    const { items } = await service.store.listRedemptions({ limit: 10, grantUid: uid });
    expect(items.map(({ jti }) => jti)).toEqual([signedCode.jti, signedCode.jti]);
  });

  it('a code with a subject is redeemed for that subject only, which is the default', async () => {
    const { uid } = await makeGrant();
    const { code } = await sign(uid, { uses: 9, subject: 'Größe 7' });
    const other = await redeem(uid, code, { headers: { subject: 'east' } });
    expect(outcomeOf(other)).toEqual([403, 'Redemption of access token refused\n', 'policy_subject']);
    expect(redeemedAnswer(await redeem(uid, code)).x509.subject).toBe('CN=Größe 7');
    expect(await service.used(uid)).toBe(1);
  });

  it('a code signed with an older master key is valid until that key is removed', async () => {
    const { uid } = await makeGrant();
    const { kid } = await codeKeys.current();
    const { code } = await sign(uid, { uses: 9 });
    codeKeys.rotate();
    const newer = await sign(uid);
    redeemedAnswer(await redeem(uid, code));
    redeemedAnswer(await redeem(uid, newer.code));
    codeKeys.remove(kid);
    expect(outcomeOf(await redeem(uid, code))).toEqual([
      403,
      'Redemption of access token refused\n',
      undefined,
    ]);
  });
});

describe('a service at its start', () => {
  it('removes old master keys that no grant needs, and retains the signing one', async () => {
    const directory = directoryForTest();
    const keys = new CodeKeyDirectory(directory, Date.now);
    const [old, current] = [keys.rotate(), keys.rotate()];
    const started = await startTestService({ dataDir: directory });
    await started.close();
    expect(keys.list().map(({ kid }) => kid)).toEqual([current.kid]);
    expect(started.logged()).toContainEqual(
      expect.objectContaining({ event: 'code_key_removed', kid: old.kid }),
    );
  });
});

describe('a signed code with a valid signature', () => {
  it.each<[string, number, string, Partial<SignedCode>, 'revoke' | 'spend' | 'leave']>([
    ['code_expired', 404, 'No such claim', { expirationTime: Date.now() - MINUTE }, 'leave'],
    ['code_exhausted', 404, 'No such access granted', {}, 'spend'],
    ['code_revoked', 404, 'No such claim', {}, 'revoke'],
  ])('a code is refused with %s, and spends no use', async (reason, status, text, changes, how) => {
    const { uid } = await makeGrant();
    const { signedCode, code } = await sign(uid, changes);
    if (how === 'spend') redeemedAnswer(await redeem(uid, code));
    if (how === 'revoke') await service.store.revokeCode(signedCode, service.clock.read());
    const [used, workBefore] = [await service.used(uid), work];
    for (const answer of [await redeem(uid, code), await redeemAsStock(uid, code)]) {
      expect(outcomeOf(answer)).toEqual([status, `${text}\n`, reason]);
      expect(answer.headers).not.toHaveProperty('retry-after');
    }
    const problem = await redeem(uid, code, { headers: { accept: 'application/problem+json' } });
    expect(JSON.parse(problem.body)).toEqual({ type: 'about:blank', title: text, status, code: reason });
    expect([await service.used(uid), work]).toEqual([used, workBefore]);
    expect(service.logged()).toContainEqual(expect.objectContaining({ event: 'refused', code: reason }));
    const refused = { outcome: reason, jti: signedCode.jti, count: 2 };
    await expect
      .poll(() => service.store.listAttempts(uid, 2))
      .toContainEqual(expect.objectContaining(refused));
  });

  it.each<[string, Partial<AccessGrant>]>([
    ['grant_expired', { expirationTime: Date.now() - MINUTE }],
    ['grant_exhausted', { redemptions: 100 }],
    ['grant_revoked', { revokedAt: Date.now() - MINUTE }],
  ])('is refused if its grant cannot be redeemed: %s', async (reason, changes) => {
    const { uid } = await makeGrant(changes);
    const { code } = await sign(uid);
    expect((await redeem(uid, code)).headers['linkgrant-reason']).toBe(reason);
  });
});

describe('a code with any signature and claims', () => {
  // The unit tests of signed codes have more forgeries; all get the same answer.
  it.each<[string, (uid: string) => ReturnType<typeof sign>]>([
    ['is of another grant', async () => sign((await makeGrant()).uid)],
    ['is signed with an unknown master key', (uid) => sign(uid, {}, grantSigningKey(createMasterKey(), uid))],
  ])('a code that %s is refused as a wrong code', async (_how, forge) => {
    const { uid } = await makeGrant();
    const { code } = await forge(uid);
    const wrong = await redeem(uid, 'not-the-code');
    const workBefore = work;
    for (const answer of [await redeem(uid, code), await redeemAsStock(uid, code)]) {
      expect(outcomeOf(answer)).toEqual([403, 'Redemption of access token refused\n', undefined]);
      expect(Object.keys(answer.headers)).toEqual(Object.keys(wrong.headers));
    }
    const check = await post(service, `/${uid}/-/check`, code);
    expect(outcomeOf(check)).toEqual([403, 'Redemption of access token refused\n', undefined]);
    // The site was not queried and no key was generated, so nothing was signed.
    expect(work).toBe(workBefore);
    expect(await service.used(uid)).toBe(0);
    expect((await service.store.listCodes({ limit: 10, grantUid: uid })).items).toEqual([]);
    expect(await service.store.listAttempts(uid, 10)).toEqual([]);
  });

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each(['nbf', 'iat'] as const)('is refused as not_yet_valid until 60 s before its %s', async (claim) => {
    const { uid } = await makeGrant();
    const { kid, key } = await keyOf(uid);
    const seconds = Math.floor(service.clock.read() / 1000);
    const header = { alg: 'HS256', typ: 'linkgrant-code+jwt', kid };
    const claims = {
      sub: uid,
      jti: 'made-by-a-test',
      iat: seconds,
      exp: seconds + 3_600,
      [claim]: seconds + 120,
    };
    const signed = `${encode(header)}.${encode(claims)}`;
    const code = `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
    const workBefore = work;
    const refused = await redeem(uid, code);
    expect(outcomeOf(refused)).toEqual([503, 'Internal error\n', 'not_yet_valid']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(59);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(61);
    expect([await service.used(uid), work]).toEqual([0, workBefore]);
    const check = await post(service, `/${uid}/-/check`, code);
    const begins = new Date((seconds + 60) * 1000).toISOString().replace('.000Z', 'Z');
    expect(JSON.parse(check.body)).toMatchObject({
      state: 'ready',
      policy: { 'linkgrant/not-before': begins },
    });
    service.clock.advance(61_000);
    const valid = await post(service, `/${uid}/-/check`, code);
    expect(JSON.parse(valid.body).policy).not.toHaveProperty('linkgrant/not-before');
    redeemedAnswer(await redeem(uid, code));
    expect(await service.used(uid)).toBe(1);
    expect(work).toBeGreaterThan(workBefore);
  });
});

describe('a lost response to a signed code', () => {
  it('is repeated to the same key after the code has expired, also for another code with the same id', async () => {
    const { uid } = await makeGrant();
    const key = newKey();
    const { signedCode, code } = await sign(uid, { expirationTime: service.clock.read() + MINUTE });
    const again = (await sign(uid, { ...signedCode, issuedAt: signedCode.issuedAt + 1_000 })).code;
    expect(again).not.toBe(code);
    const first = await redeem(uid, code, {}, key);
    redeemedAnswer(first);
    service.clock.advance(2 * MINUTE);
    for (const text of [code, again]) expect((await redeem(uid, text, {}, key)).body).toBe(first.body);
    expect((await redeem(uid, code)).headers['linkgrant-reason']).toBe('code_expired');
    expect(await service.used(uid)).toBe(1);
  });

  it('is repeated to a Skupper client with its key, only for a code with one use', async () => {
    const { uid } = await makeGrant();
    const [one, two] = [await sign(uid), await sign(uid, { uses: 2 })];
    const first = await redeemAsStock(uid, one.code);
    expect((await redeemAsStock(uid, one.code)).body).toBe(first.body);
    expect(redeemedAnswer(first).keyPem).toBeDefined();
    expect(await service.used(uid)).toBe(1);
    const east = { headers: { name: 'east' } };
    const answers = [await redeemAsStock(uid, two.code, east), await redeemAsStock(uid, two.code, east)];
    expect(new Set(answers.map((answer) => redeemedAnswer(answer).certificate)).size).toBe(2);
    expect(await service.used(uid)).toBe(3);
  });

  it('is not repeated for another code with the same key', async () => {
    const { uid } = await makeGrant();
    const key = newKey();
    const [one, two] = [await sign(uid), await sign(uid)];
    const serials = [await redeem(uid, one.code, {}, key), await redeem(uid, two.code, {}, key)].map(
      (answer) => redeemedAnswer(answer).x509.serialNumber,
    );
    expect(new Set(serials).size).toBe(2);
  });

  it('is not repeated after the code is revoked, and other codes are not affected', async () => {
    const { uid } = await makeGrant();
    const [revoked, left] = [await sign(uid, { uses: 5 }), await sign(uid)];
    const [key, otherKey] = [newKey(), newKey()];
    redeemedAnswer(await redeem(uid, revoked.code, {}, key));
    const other = await redeem(uid, left.code, {}, otherKey);
    await service.store.revokeCode(revoked.signedCode, service.clock.read());
    const again = (await sign(uid, revoked.signedCode)).code;
    for (const answer of [
      await redeem(uid, revoked.code, {}, key),
      await redeem(uid, again, {}, key),
      await redeem(uid, revoked.code),
      await redeemAsStock(uid, revoked.code),
    ]) {
      expect(outcomeOf(answer)).toEqual([404, 'No such claim\n', 'code_revoked']);
    }
    expect((await redeem(uid, left.code, {}, otherKey)).body).toBe(other.body);
    redeemedAnswer(await redeem(uid, (await sign(uid)).code));
    expect(await service.used(uid)).toBe(3);
  });
});

describe('a check with a signed code', () => {
  const check = async (uid: string, code: string) =>
    JSON.parse((await post(service, `/${uid}/-/check`, code)).body);

  it('returns the state of the code, and spends no use', async () => {
    const { uid } = await makeGrant();
    const { signedCode, code } = await sign(uid, { uses: 2 });
    const expirationTime = new Date(Math.floor(signedCode.expirationTime / 1000) * 1000).toISOString();
    const common = { redemptionsAllowed: 2, expirationTime };
    expect(await check(uid, code)).toMatchObject({ ...common, state: 'ready', redemptions: 0 });
    redeemedAnswer(await redeem(uid, code));
    expect(await check(uid, code)).toMatchObject({ ...common, state: 'ready', redemptions: 1 });
    redeemedAnswer(await redeem(uid, code));
    expect(await check(uid, code)).toMatchObject({ ...common, state: 'exhausted', redemptions: 2 });
    await service.store.revokeCode(signedCode, service.clock.read());
    expect(await check(uid, code)).toMatchObject({ ...common, state: 'revoked', redemptions: 2 });
    expect(await service.used(uid)).toBe(2);
  });

  it('returns the earlier expiry of its grant, and the state of an exhausted or revoked grant', async () => {
    const end = service.clock.read() + MINUTE;
    const { uid } = await makeGrant({ expirationTime: end });
    const { code } = await sign(uid);
    expect(await check(uid, code)).toMatchObject({
      state: 'ready',
      expirationTime: new Date(end).toISOString(),
    });
    service.sql('UPDATE grants SET redemptions = redemptions_allowed WHERE uid = ?', uid);
    expect(await check(uid, code)).toMatchObject({ state: 'exhausted', redemptions: 0 });
    service.sql('UPDATE grants SET revoked_at = ? WHERE uid = ?', end, uid);
    expect(await check(uid, code)).toMatchObject({ state: 'revoked' });
    expect(await check(uid, (await sign(uid, { expirationTime: 1_000 })).code)).toMatchObject({
      state: 'revoked',
    });
  });
});

describe('a grant with 50 signed tokens', () => {
  const USES = Array.from({ length: 50 }, (_, n) => 1 + (n % 3));
  const TRIES = 4;

  it('spends exactly the uses of each token under parallel load of sites with keys and Skupper clients', async () => {
    const total = USES.reduce((sum, uses) => sum + uses, 0);
    const { uid } = await makeGrant({ redemptionsAllowed: total });
    const tokens = await Promise.all(USES.map((uses) => sign(uid, { uses })));
    const answers = await Promise.all(
      tokens.map(({ code }, n) =>
        Promise.all(
          Array.from({ length: TRIES }, (_, attempt) =>
            n % 2 === 0
              ? redeem(uid, code)
              : redeemAsStock(uid, code, { headers: { name: `site-${n}-${attempt}` } }),
          ),
        ),
      ),
    );
    for (const [n, all] of answers.entries()) {
      const redeemed = all.filter(({ status }) => status === 200);
      expect(redeemed).toHaveLength(USES[n] ?? 0);
      for (const answer of all.filter(({ status }) => status !== 200)) {
        const reason = answer.headers['linkgrant-reason'] ?? '';
        // When all tokens are spent, so is the grant.
        expect(['code_exhausted', 'grant_exhausted']).toContain(reason);
      }
    }
    const serials = answers
      .flat()
      .filter(({ status }) => status === 200)
      .map((answer) => redeemedAnswer(answer).x509.serialNumber);
    expect(new Set(serials).size).toBe(total);
    expect(await service.used(uid)).toBe(total);
    for (const [n, { signedCode }] of tokens.entries()) {
      expect(await service.store.findCode(uid, signedCode.jti)).toMatchObject({
        used: USES[n],
        uses: USES[n],
      });
    }
  });
});

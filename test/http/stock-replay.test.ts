import { describe, expect, it } from 'vitest';
import { mintCode } from '../../src/codes/opaque-code.js';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { HOUR, MINUTE, startTestService } from '../support/service.js';
import { openSqliteFile } from '../support/stores/sqlite-file.js';
import { outcomeOf, type PostOptions, post, refusal } from '../support/wire.js';

const SITE_UUID = '3c1f7e0a-0000-4000-8000-00000000000a';
const OTHER_SITE_UUID = '3c1f7e0a-0000-4000-8000-00000000000b';
const WEST = { name: 'west', subject: SITE_UUID };

const service = releaseAfterFile(await startTestService());

/** Posts as a Skupper client does: without a key of its own. */
function redeem({ grant, code }: CreatedGrant, options: PostOptions = {}, target = service) {
  return post(target, `/${grant.uid}`, code, { ...options, headers: { ...WEST, ...options.headers } });
}

async function redemptionsOf({ uid }: CreatedGrant['grant'], { store } = service) {
  const { items } = await store.listRedemptions({ limit: 2, grantUid: uid });
  return Promise.all(items.map(({ id }) => store.findRedemption(id)));
}

describe('a Skupper client whose response was lost', () => {
  it('gets the same certificate and key again, and one use is counted', async () => {
    const created = await service.grant();
    const first = await redeem(created);
    service.clock.advance(30_000);
    const second = await redeem(created);
    expect(second.body).toBe(first.body);
    const { x509, key } = redeemedAnswer(second);
    expect(x509.checkPrivateKey(key ?? expect.fail('no key'))).toBe(true);
    expect(await service.used(created.grant.uid)).toBe(1);
  });

  it('gets the same response even if the grant has expired meanwhile', async () => {
    const created = await service.grant({ expirationWindowMs: MINUTE });
    const first = await redeem(created);
    service.clock.advance(MINUTE + 30_000);
    expect((await redeem(created)).body).toBe(first.body);
  });

  it('gets the same key for any number of concurrent requests', async () => {
    const created = await service.grant();
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(created)));
    expect(new Set(answers.map((answer) => redeemedAnswer(answer).keyPem)).size).toBe(1);
    expect(await service.used(created.grant.uid)).toBe(1);
  });

  it.each<[string, PostOptions]>([
    ['from another address', { from: '127.0.0.2' }],
    ['under another name', { headers: { name: 'east' } }],
    ['under another subject', { headers: { subject: OTHER_SITE_UUID } }],
    ['with a key of its own', { headers: csrHeader(newKey()) }],
  ])('does not get the same key %s', async (_how, options) => {
    const created = await service.grant();
    redeemedAnswer(await redeem(created));
    const other = await redeem(created, options);
    expect(outcomeOf(other)).toEqual([404, 'No such access granted\n', 'grant_exhausted']);
    redeemedAnswer(await redeem(created));
  });

  it('does not get the same key with a wrong code', async () => {
    const created = await service.grant();
    redeemedAnswer(await redeem(created));
    expect(refusal(await redeem({ ...created, code: mintCode() }))).toEqual([403, undefined]);
  });

  it('does not get the same key after the replay window', async () => {
    const created = await service.grant();
    redeemedAnswer(await redeem(created));
    service.clock.advance(2 * MINUTE - 1);
    redeemedAnswer(await redeem(created));
    service.clock.advance(1);
    expect(refusal(await redeem(created))).toEqual([404, 'grant_exhausted']);
  });

  it('does not get the same key when the grant or the redemption is revoked', async () => {
    const [one, two] = [await service.grant(), await service.grant()];
    redeemedAnswer(await redeem(one));
    redeemedAnswer(await redeem(two));
    await service.store.revokeGrant(one.grant.uid, service.clock.read());
    service.sql('UPDATE redemptions SET revoked_at = 1 WHERE grant_uid = ?', two.grant.uid);
    expect(refusal(await redeem(one))).toEqual([404, 'grant_revoked']);
    expect(refusal(await redeem(two))).toEqual([404, 'redemption_revoked']);
  });

  it('does not get the same key for a user-supplied code, because a weak code must not encrypt a key', async () => {
    const created = await service.grant({ code: 'correct-horse-battery' });
    redeemedAnswer(await redeem(created));
    expect(refusal(await redeem(created))).toEqual([404, 'grant_exhausted']);
    expect(await redemptionsOf(created.grant)).toEqual([
      expect.objectContaining({ sealedAnswer: null, sealedUntil: null }),
    ]);
  });

  it('does not get the same key from a grant for several sites: the request is a new redemption with another key', async () => {
    const created = await service.grant({ redemptionsAllowed: 2 });
    const keys = [redeemedAnswer(await redeem(created)).keyPem, redeemedAnswer(await redeem(created)).keyPem];
    expect(new Set(keys).size).toBe(2);
    expect(refusal(await redeem(created))).toEqual([404, 'grant_exhausted']);
    expect(await service.used(created.grant.uid)).toBe(2);
  });
});

describe('the stored response for a Skupper client', () => {
  it('cannot be decrypted without the code', async () => {
    const created = await service.grant();
    const { keyPem = '' } = redeemedAnswer(await redeem(created));
    const [redemption] = await redemptionsOf(created.grant);
    const sealed = Buffer.from(redemption?.sealedAnswer ?? []);
    expect(sealed.length).toBeGreaterThan(keyPem.length);
    const base64 = keyPem.split('\n')[1] ?? '';
    for (const part of [keyPem, base64, created.code]) {
      expect(sealed.includes(part)).toBe(false);
      expect(sealed.includes(Buffer.from(part, 'base64'))).toBe(false);
    }
  });

  it('is erased from the store when the window has passed', async () => {
    const created = await service.grant();
    redeemedAnswer(await redeem(created));
    const database = releaseAfterTest(openSqliteFile(`${service.directory}/linkgrant.db`));
    const rowCount = () =>
      database
        .prepare('SELECT count(sealed_answer) FROM redemptions WHERE grant_uid = ?')
        .value(created.grant.uid);
    expect(rowCount()).toBe(1);
    service.clock.advance(3 * MINUTE);
    await expect.poll(rowCount, { timeout: 40_000, interval: 200 }).toBe(0);
  });

  it('is not stored with a window of 0', async () => {
    const withoutReplay = releaseAfterTest(await startTestService({ stockReplayWindow: '0' }));
    const created = await withoutReplay.grant();
    redeemedAnswer(await redeem(created, {}, withoutReplay));
    expect(refusal(await redeem(created, {}, withoutReplay))).toEqual([404, 'grant_exhausted']);
    expect(await redemptionsOf(created.grant, withoutReplay)).toEqual([
      expect.objectContaining({ sealedAnswer: null }),
    ]);
  });

  it('is returned to another address with --stock-replay-source off', async () => {
    const anySource = releaseAfterTest(await startTestService({ stockReplaySource: 'off' }));
    const created = await anySource.grant();
    const first = await redeem(created, {}, anySource);
    expect((await redeem(created, { from: '127.0.0.3' }, anySource)).body).toBe(first.body);
    const other = await redeem(created, { headers: { name: 'east' } }, anySource);
    expect(refusal(other)).toEqual([404, 'grant_exhausted']);
  });
});

describe('a Skupper client that repeats its request because it cannot store its Secret', () => {
  it('gets two responses an hour, then a time to wait, and does not exhaust the grant', async () => {
    const created = await service.grant({ redemptionsAllowed: 9, expirationWindowMs: 9 * HOUR });
    redeemedAnswer(await redeem(created));
    service.clock.advance(20 * MINUTE);
    redeemedAnswer(await redeem(created));
    service.clock.advance(20 * MINUTE);
    const third = await redeem(created);
    expect(refusal(third)).toEqual([503, 'repeated_redemption']);
    expect([third.body, third.headers['retry-after']]).toEqual(['Internal error\n', String(20 * 60)]);
    expect(await service.used(created.grant.uid)).toBe(2);
    service.clock.advance(20 * MINUTE);
    redeemedAnswer(await redeem(created));
    expect(await service.used(created.grant.uid)).toBe(3);
  });

  it('does not prevent other sites from redeeming', async () => {
    const created = await service.grant({ redemptionsAllowed: 9 });
    for (let count = 0; count < 2; count += 1) redeemedAnswer(await redeem(created));
    expect(refusal(await redeem(created))).toEqual([503, 'repeated_redemption']);
    redeemedAnswer(await redeem(created, { headers: { name: 'east' } }));
    redeemedAnswer(await redeem(created, { headers: { subject: OTHER_SITE_UUID } }));
    redeemedAnswer(await redeem(created, { headers: csrHeader() }));
  });

  it('is limited for concurrent requests too', async () => {
    const created = await service.grant({ redemptionsAllowed: 50 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(created)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(await service.used(created.grant.uid)).toBe(2);
  });

  it('is limited only if its subject is a UUID', async () => {
    const created = await service.grant({ redemptionsAllowed: 4 });
    const options = { headers: { subject: 'west' } };
    for (let count = 0; count < 4; count += 1) redeemedAnswer(await redeem(created, options));
    expect(refusal(await redeem(created, options))).toEqual([404, 'grant_exhausted']);
  });
});

import { describe, expect, it } from 'vitest';
import { mintCode } from '../../src/codes/opaque-code.js';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { HOUR, MINUTE, startTestService } from '../support/service.js';
import { openSqliteFile } from '../support/stores/sqlite-file.js';
import { type PostOptions, post, type WireAnswer } from '../support/wire.js';

const SITE_UUID = '3c1f7e0a-0000-4000-8000-00000000000a';
const WEST = { name: 'west', subject: SITE_UUID };

const service = releaseAfterFile(await startTestService());

/** Posts as a stock client does: without a key of its own. */
function redeem({ grant, code }: CreatedGrant, options: PostOptions = {}, target = service) {
  return post(target, `/${grant.uid}`, code, { ...options, headers: { ...WEST, ...options.headers } });
}

function refusal(answer: WireAnswer) {
  return [answer.status, answer.headers['linkgrant-reason']];
}

describe('a Skupper client whose response was lost', () => {
  it('gets the same certificate and key again, and one use is counted', async () => {
    const made = await service.grant();
    const first = await redeem(made);
    service.clock.advance(30_000);
    const second = await redeem(made);
    expect(second.body).toBe(first.body);
    const { x509, key } = redeemedAnswer(second);
    expect(x509.checkPrivateKey(key ?? expect.fail('no key'))).toBe(true);
    expect(await service.used(made.grant.uid)).toBe(1);
  });

  it('gets them even if the grant has expired meanwhile', async () => {
    const made = await service.grant({ expirationWindowMs: MINUTE });
    const first = await redeem(made);
    service.clock.advance(MINUTE + 30_000);
    expect((await redeem(made)).body).toBe(first.body);
  });

  it('gets them for any number of concurrent requests', async () => {
    const made = await service.grant();
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(made)));
    expect(new Set(answers.map((answer) => redeemedAnswer(answer).keyPem)).size).toBe(1);
    expect(await service.used(made.grant.uid)).toBe(1);
  });

  it.each<[string, PostOptions]>([
    ['from another address', { from: '127.0.0.2' }],
    ['under another name', { headers: { name: 'east' } }],
    ['under another subject', { headers: { subject: '3c1f7e0a-0000-4000-8000-00000000000b' } }],
    ['with a key of its own', { headers: csrHeader(newKey()) }],
  ])('does not get them %s', async (_how, options) => {
    const made = await service.grant();
    redeemedAnswer(await redeem(made));
    const other = await redeem(made, options);
    expect(refusal(other)).toEqual([404, 'grant_exhausted']);
    expect(other.body).toBe('No such access granted\n');
    redeemedAnswer(await redeem(made));
  });

  it('does not get them with a wrong code', async () => {
    const made = await service.grant();
    redeemedAnswer(await redeem(made));
    expect(refusal(await redeem({ ...made, code: mintCode() }))).toEqual([403, undefined]);
  });

  it('does not get them after the replay window', async () => {
    const made = await service.grant();
    redeemedAnswer(await redeem(made));
    service.clock.advance(2 * MINUTE - 1);
    redeemedAnswer(await redeem(made));
    service.clock.advance(1);
    expect(refusal(await redeem(made))).toEqual([404, 'grant_exhausted']);
  });

  it('does not get them when the grant or the redemption is revoked', async () => {
    const [one, two] = [await service.grant(), await service.grant()];
    redeemedAnswer(await redeem(one));
    redeemedAnswer(await redeem(two));
    await service.store.revokeGrant(one.grant.uid, service.clock.read());
    service.sql('UPDATE redemptions SET revoked_at = 1 WHERE grant_uid = ?', two.grant.uid);
    expect(refusal(await redeem(one))).toEqual([404, 'grant_revoked']);
    expect(refusal(await redeem(two))).toEqual([404, 'redemption_revoked']);
  });

  it('does not get them for a user-supplied code, because a weak code must not encrypt a key', async () => {
    const made = await service.grant({ code: 'correct-horse-battery' });
    redeemedAnswer(await redeem(made));
    expect(refusal(await redeem(made))).toEqual([404, 'grant_exhausted']);
    const { items } = await service.store.listRedemptions({ limit: 2, grantUid: made.grant.uid });
    expect(items).toEqual([expect.objectContaining({ sealedAnswer: null, sealedUntil: null })]);
  });

  it('does not get them from a grant for several sites: the request is a new redemption with another key', async () => {
    const made = await service.grant({ redemptionsAllowed: 2 });
    const keys = [redeemedAnswer(await redeem(made)).keyPem, redeemedAnswer(await redeem(made)).keyPem];
    expect(new Set(keys).size).toBe(2);
    expect(refusal(await redeem(made))).toEqual([404, 'grant_exhausted']);
    expect(await service.used(made.grant.uid)).toBe(2);
  });
});

describe('the stored response for a Skupper client', () => {
  it('cannot be decrypted without the code', async () => {
    const made = await service.grant();
    const { keyPem = '' } = redeemedAnswer(await redeem(made));
    const { items } = await service.store.listRedemptions({ limit: 2, grantUid: made.grant.uid });
    const sealed = Buffer.from(items[0]?.sealedAnswer ?? []);
    expect(sealed.length).toBeGreaterThan(keyPem.length);
    const base64 = keyPem.split('\n')[1] ?? '';
    for (const part of [keyPem, base64, made.code]) {
      expect(sealed.includes(part)).toBe(false);
      expect(sealed.includes(Buffer.from(part, 'base64'))).toBe(false);
    }
  });

  it('is erased from the file when the window has passed', async () => {
    const made = await service.grant();
    redeemedAnswer(await redeem(made));
    const database = releaseAfterTest(openSqliteFile(`${service.directory}/linkgrant.db`));
    const rowCount = () =>
      database
        .prepare('SELECT count(sealed_answer) FROM redemptions WHERE grant_uid = ?')
        .value(made.grant.uid);
    expect(rowCount()).toBe(1);
    service.clock.advance(3 * MINUTE);
    await expect.poll(rowCount, { timeout: 40_000, interval: 200 }).toBe(0);
  });

  it('is not stored with a window of 0', async () => {
    const never = releaseAfterTest(await startTestService({ stockReplayWindow: '0' }));
    const made = await never.grant();
    redeemedAnswer(await redeem(made, {}, never));
    expect(refusal(await redeem(made, {}, never))).toEqual([404, 'grant_exhausted']);
    const { items } = await never.store.listRedemptions({ limit: 2 });
    expect(items).toEqual([expect.objectContaining({ sealedAnswer: null })]);
  });

  it('is returned to another address with --stock-replay-source off', async () => {
    const hidden = releaseAfterTest(await startTestService({ stockReplaySource: 'off' }));
    const made = await hidden.grant();
    const first = await redeem(made, {}, hidden);
    expect((await redeem(made, { from: '127.0.0.3' }, hidden)).body).toBe(first.body);
    const other = await redeem(made, { headers: { name: 'east' } }, hidden);
    expect(refusal(other)).toEqual([404, 'grant_exhausted']);
  });
});

describe('a Skupper client that repeats every 30 seconds because it cannot store its Secret', () => {
  it('gets two responses an hour, then a time to wait, and does not exhaust the grant', async () => {
    const made = await service.grant({ redemptionsAllowed: 9, expirationWindowMs: 9 * HOUR });
    redeemedAnswer(await redeem(made));
    service.clock.advance(20 * MINUTE);
    redeemedAnswer(await redeem(made));
    service.clock.advance(20 * MINUTE);
    const third = await redeem(made);
    expect(refusal(third)).toEqual([503, 'repeated_redemption']);
    expect([third.body, third.headers['retry-after']]).toEqual(['Internal error\n', String(20 * 60)]);
    expect(await service.used(made.grant.uid)).toBe(2);
    service.clock.advance(20 * MINUTE);
    redeemedAnswer(await redeem(made));
    expect(await service.used(made.grant.uid)).toBe(3);
  });

  it('does not keep other sites from redeeming', async () => {
    const made = await service.grant({ redemptionsAllowed: 9 });
    for (let count = 0; count < 2; count += 1) redeemedAnswer(await redeem(made));
    expect(refusal(await redeem(made))).toEqual([503, 'repeated_redemption']);
    redeemedAnswer(await redeem(made, { headers: { name: 'east' } }));
    redeemedAnswer(await redeem(made, { headers: { subject: '3c1f7e0a-0000-4000-8000-00000000000b' } }));
    redeemedAnswer(await redeem(made, { headers: csrHeader() }));
  });

  it('is limited for concurrent requests too', async () => {
    const made = await service.grant({ redemptionsAllowed: 50 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(made)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(await service.used(made.grant.uid)).toBe(2);
  });

  it('is limited only if its subject is a UUID', async () => {
    const made = await service.grant({ redemptionsAllowed: 4 });
    const options = { headers: { subject: 'west' } };
    for (let count = 0; count < 4; count += 1) redeemedAnswer(await redeem(made, options));
    expect(refusal(await redeem(made, options))).toEqual([404, 'grant_exhausted']);
  });
});

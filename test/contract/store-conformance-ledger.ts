import { describe, expect, it } from 'vitest';
import type { RedemptionErrorCode } from '../../src/domain/redemption-error.js';
import { MINUTE, NOW, sampleGrant, sampleRedemption } from '../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

/** The ledger: attempts, replays, refusals added up and bounded. */
export function ledgerConformance(current: CurrentStore): void {
  describe('keeping the ledger', () => {
    const refusal = (grantUid: string, code: RedemptionErrorCode, name = 'link-a', peer = '192.0.2.7') => ({
      grantUid,
      code,
      name,
      subject: 'site-a',
      peer,
    });

    it('tells the last attempts, newest first, replays with the address that asked', async () => {
      const { store } = current();
      const grant = sampleGrant();
      await store.createGrant(grant);
      const redemption = sampleRedemption(grant.uid);
      await store.recordRedemption(grant.uid, redemption, NOW);
      await store.recordReplay(redemption, '198.51.100.9', NOW + 10);
      await store.recordRefusal(refusal(grant.uid, 'grant_exhausted', 'link-b'), NOW + 20);
      const common = { subject: 'site-a', count: 1 };
      const redeemed = { ...common, name: 'link-a', at: NOW, outcome: 'redeemed', peer: '192.0.2.7' };
      expect(await store.listAttempts(grant.uid, 10)).toEqual([
        {
          ...common,
          name: 'link-b',
          at: NOW + 20,
          outcome: 'grant_exhausted',
          peer: '192.0.2.7',
          redemptionId: null,
        },
        { ...redeemed, at: NOW + 10, outcome: 'replayed', peer: '198.51.100.9', redemptionId: redemption.id },
        { ...redeemed, redemptionId: redemption.id },
      ]);
      expect(await store.listAttempts(grant.uid, 1)).toMatchObject([{ outcome: 'grant_exhausted' }]);
      expect(await store.listAttempts(sampleGrant().uid, 10)).toEqual([]);
    });

    it('counts no use for a replay, and adds up what one client asks again and again within a day', async () => {
      const { store } = current();
      const grant = sampleGrant();
      await store.createGrant(grant);
      const redemption = sampleRedemption(grant.uid);
      await store.recordRedemption(grant.uid, redemption, NOW);
      for (let n = 1; n <= 4; n++) await store.recordReplay(redemption, '192.0.2.7', NOW + n);
      await store.recordReplay(redemption, '192.0.2.7', NOW + 1 + 24 * 60 * MINUTE);
      expect((await store.findGrant(grant.uid))?.redemptions).toBe(1);
      const attempts = await store.listAttempts(grant.uid, 10);
      expect(attempts.map(({ outcome, count, at }) => [outcome, count, at - NOW])).toEqual([
        ['replayed', 1, 1 + 24 * 60 * MINUTE],
        ['replayed', 3, 4],
        ['replayed', 1, 1],
        ['redeemed', 1, 0],
      ]);
    });

    it('adds up the same refusal in one row with its last time', async () => {
      const { store } = current();
      const { uid } = sampleGrant();
      await Promise.all(
        Array.from({ length: 30 }, (_, n) => store.recordRefusal(refusal(uid, 'grant_expired'), NOW + n)),
      );
      await store.recordRefusal(refusal(uid, 'grant_expired', 'link-a', '192.0.2.8'), NOW + 50);
      await store.recordRefusal(refusal(uid, 'policy_subject'), NOW + 60);
      const attempts = await store.listAttempts(uid, 10);
      expect(attempts.map(({ outcome, count, at }) => [outcome, count, at])).toEqual([
        ['policy_subject', 1, NOW + 60],
        ['grant_expired', 1, NOW + 50],
        ['grant_expired', 30, NOW + 29],
      ]);
    });

    it('keeps at most 1,000 rows of refusals a grant and loses no count', { timeout: 30_000 }, async () => {
      const { store } = current();
      const { uid } = sampleGrant();
      const codes: RedemptionErrorCode[] = ['grant_expired', 'grant_exhausted', 'policy_name'];
      const all = Array.from({ length: 1_200 }, (_, n) =>
        refusal(uid, codes[n % 3] ?? 'internal', `link-${n}`, `192.0.2.${n % 200}`),
      );
      await Promise.all(all.map((one, n) => store.recordRefusal(one, NOW + n)));
      await store.recordRefusal(refusal(uid, 'grant_expired', 'link-0', '192.0.2.0'), NOW + 5_000);
      const attempts = await store.listAttempts(uid, 5_000);
      expect(attempts.length).toBeLessThanOrEqual(1_000);
      expect(attempts.length).toBeGreaterThan(900);
      expect(attempts.reduce((sum, { count }) => sum + count, 0)).toBe(1_201);
      expect(attempts[0]).toMatchObject({ name: 'link-0', count: 2 });
      const summed = attempts.filter(
        ({ name, subject, peer }) => name === '' && subject === '' && peer === '',
      );
      expect(summed.length).toBeGreaterThan(0);
      await store.recordRefusal(refusal(sampleGrant().uid, 'grant_expired'), NOW);
      expect(await store.listAttempts(uid, 5_000)).toEqual(attempts);
    });
  });
}

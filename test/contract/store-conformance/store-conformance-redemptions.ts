import { describe, expect, it } from 'vitest';
import type { Renewal } from '../../../src/domain/issued-certificate.js';
import type { Redemption } from '../../../src/domain/redemption.js';
import type { ListedRedemption } from '../../../src/redemption/ports/grant-store.js';
import { everyItem } from '../../../src/redemption/ports/page.js';
import {
  MINUTE,
  NOW,
  recordedRedemption,
  recordRenewalOf,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

/** Redemptions: recorded or refused, repeated, replayed, listed, erased. */
export function redemptionConformance(current: CurrentStore): void {
  describe('recording redemptions', () => {
    const grantWith = async (changes: Parameters<typeof sampleGrant>[0] = {}): Promise<string> => {
      const grant = await storedGrant(current().store, changes);
      return grant.uid;
    };
    const used = async (uid: string): Promise<number | undefined> =>
      (await current().store.findGrant(uid))?.redemptions;

    it('stores a redemption unchanged and counts one use', async () => {
      const { store } = current();
      const uid = await grantWith();
      const redemption = sampleRedemption(uid, {
        mode: 'stock',
        jti: 'token-1',
        policy: { sourceCidrs: ['192.0.2.0/24'] },
        siteUid: 'site-uid',
        sealedAnswer: new Uint8Array([0, 1, 255]),
        sealedUntil: NOW + MINUTE,
      });
      expect(await store.recordRedemption(uid, redemption, NOW)).toBe('recorded');
      expect(await recordedRedemption(store, redemption.id)).toEqual(redemption);
      expect(await store.findReplay(uid, redemption.replayKey)).toEqual(redemption);
      expect(await used(uid)).toBe(1);
    });

    it('counts the same redemption once, however often it is recorded', async () => {
      const { store } = current();
      const uid = await grantWith({ redemptionsAllowed: 5 });
      const redemption = sampleRedemption(uid);
      const atOnce = Array.from({ length: 4 }, () => store.recordRedemption(uid, redemption, NOW));
      expect(await Promise.all(atOnce)).toEqual(Array(4).fill('recorded'));
      expect(await store.recordRedemption(uid, redemption, NOW)).toBe('recorded');
      expect(await used(uid)).toBe(1);
      expect(await store.listAttempts(uid, 10)).toHaveLength(1);
    });

    it('returns recorded for a repeated id even if the grant was revoked or has expired, or the limit is reached', async () => {
      const { store } = current();
      const uid = await grantWith();
      const redemption = sampleRedemption(uid, { mode: 'stock' });
      await store.recordRedemption(uid, redemption, NOW);
      await store.revokeGrant(uid, NOW);
      const limit = { repeatLimit: { count: 1, windowMs: MINUTE } };
      expect(await store.recordRedemption(uid, redemption, NOW + 60 * MINUTE, limit)).toBe('recorded');
    });

    it('returns the redemption with the same replay key, and counts nothing', async () => {
      const { store } = current();
      const uid = await grantWith({ redemptionsAllowed: 5 });
      const first = sampleRedemption(uid);
      const second = sampleRedemption(uid, { replayKey: first.replayKey });
      await store.recordRedemption(uid, first, NOW);
      expect(await store.recordRedemption(uid, second, NOW)).toEqual({ replayOf: first });
      expect(await store.findRedemption(second.id)).toBeUndefined();
      expect(await used(uid)).toBe(1);
    });

    it('returns a replay before any refusal', async () => {
      const { store } = current();
      const uid = await grantWith();
      const first = sampleRedemption(uid, { mode: 'stock' });
      await store.recordRedemption(uid, first, NOW);
      const again = sampleRedemption(uid, { mode: 'stock', replayKey: first.replayKey });
      const limit = { repeatLimit: { count: 1, windowMs: 99 * MINUTE } };
      expect(await store.recordRedemption(uid, again, NOW + 60 * MINUTE, limit)).toEqual({ replayOf: first });
    });

    it('treats the same replay key of two grants as two requests', async () => {
      const { store } = current();
      const [one, two] = [await grantWith(), await grantWith()];
      const first = sampleRedemption(one);
      const second = sampleRedemption(two, { replayKey: first.replayKey });
      expect(await store.recordRedemption(one, first, NOW)).toBe('recorded');
      expect(await store.recordRedemption(two, second, NOW)).toBe('recorded');
    });

    it.each([
      ['grant_expired', { expirationTime: NOW }],
      ['link_access_unavailable', { expirationTime: null }],
      ['grant_revoked', { revokedAt: NOW - 1 }],
      ['grant_revoked', { revokedAt: NOW - 1, expirationTime: NOW - 1 }],
    ] as const)('refuses with %s a grant that has %o, and stores nothing', async (refused, changes) => {
      const { store } = current();
      const uid = await grantWith(changes);
      const redemption = sampleRedemption(uid);
      expect(await store.recordRedemption(uid, redemption, NOW)).toEqual({ refused });
      expect(await store.findRedemption(redemption.id)).toBeUndefined();
      expect(await store.findReplay(uid, redemption.replayKey)).toBeUndefined();
      expect(await used(uid)).toBe(0);
      expect(await store.listAttempts(uid, 10)).toEqual([]);
    });

    it('refuses an exhausted grant as revoked, else as expired, else as exhausted', async () => {
      const { store } = current();
      const uid = await grantWith({ expirationTime: NOW + 1 });
      await store.recordRedemption(uid, sampleRedemption(uid), NOW);
      const late = sampleRedemption(uid);
      const refusals = async (now: number) => store.recordRedemption(uid, late, now);
      expect(await refusals(NOW)).toEqual({ refused: 'grant_exhausted' });
      expect(await refusals(NOW + 1)).toEqual({ refused: 'grant_expired' });
      await store.revokeGrant(uid, NOW + 1);
      expect(await refusals(NOW + 1)).toEqual({ refused: 'grant_revoked' });
      expect(await store.findRedemption(late.id)).toBeUndefined();
      expect(await used(uid)).toBe(1);
    });

    it('refuses an unknown grant', async () => {
      const { store } = current();
      const { uid } = sampleGrant();
      const redemption = sampleRedemption(uid);
      expect(await store.recordRedemption(uid, redemption, NOW)).toEqual({ refused: 'grant_unknown' });
      expect(await store.findRedemption(redemption.id)).toBeUndefined();
    });

    it('refuses repeated redemptions of Skupper clients, and returns when the next one is possible', async () => {
      const { store } = current();
      const uid = await grantWith({ redemptionsAllowed: 50, expirationTime: NOW + 600 * MINUTE });
      const limit = { repeatLimit: { count: 2, windowMs: 60 * MINUTE } };
      const redeemAt = (now: number, changes: Partial<Redemption> = {}) =>
        store.recordRedemption(
          uid,
          sampleRedemption(uid, { mode: 'stock', createdAt: now, ...changes }),
          now,
          limit,
        );
      expect(await redeemAt(NOW)).toBe('recorded');
      expect(await redeemAt(NOW + 10 * MINUTE)).toBe('recorded');
      const later = NOW + 20 * MINUTE + 1;
      expect(await redeemAt(later)).toEqual({ refused: 'repeated_redemption', retryAfter: 40 * 60 });
      expect(await redeemAt(later, { name: 'link-b' })).toBe('recorded');
      expect(await redeemAt(later, { subject: 'site-b' })).toBe('recorded');
      expect(await used(uid)).toBe(4);
      expect(await redeemAt(NOW + 60 * MINUTE)).toBe('recorded');
      expect(await redeemAt(NOW + 60 * MINUTE)).toMatchObject({ refused: 'repeated_redemption' });
    });

    it('does not count CSR redemptions for the repeat limit', async () => {
      const { store } = current();
      const uid = await grantWith({ redemptionsAllowed: 9 });
      for (let n = 0; n < 3; n++) await store.recordRedemption(uid, sampleRedemption(uid), NOW);
      const limit = { repeatLimit: { count: 2, windowMs: 60 * MINUTE } };
      const stock = sampleRedemption(uid, { mode: 'stock' });
      expect(await store.recordRedemption(uid, stock, NOW, limit)).toBe('recorded');
    });

    it('lists redemptions oldest first, in pages that later redemptions do not change', async () => {
      const { store } = current();
      const one = await grantWith({ redemptionsAllowed: 9 });
      const two = await grantWith({ redemptionsAllowed: 9 });
      const made: Redemption[] = [];
      for (let n = 0; n < 7; n++) {
        const redemption = sampleRedemption(n % 3 === 0 ? two : one, { createdAt: NOW + n });
        await store.recordRedemption(redemption.grantUid, redemption, NOW + n);
        made.push(redemption);
      }
      const walk = async (within: { readonly grantUid?: string } = {}) => {
        const items = await everyItem((page) => store.listRedemptions({ ...page, ...within, limit: 2 }));
        return items.map(({ id }) => id);
      };
      expect(await walk()).toEqual(made.map(({ id }) => id));
      expect(await walk({ grantUid: one })).toEqual(
        made.filter(({ grantUid }) => grantUid === one).map(({ id }) => id),
      );
      const first = await store.listRedemptions({ limit: 2, grantUid: one });
      const late = sampleRedemption(one, { createdAt: NOW + 9 });
      await store.recordRedemption(one, late, NOW + 9);
      expect(await store.listRedemptions({ limit: 2, grantUid: one })).toEqual(first);
      expect((await walk({ grantUid: one })).at(-1)).toBe(late.id);
    });

    it('lists all redemptions at once, each with its newest renewal, and those that match', async () => {
      const { store } = current();
      const [one, two] = [
        await grantWith({ redemptionsAllowed: 9 }),
        await grantWith({ redemptionsAllowed: 9 }),
      ];
      const made = [one, two, one, two].map((uid, n) =>
        sampleRedemption(uid, { createdAt: NOW + n, name: `link-${n}` }),
      );
      for (const redemption of made)
        await store.recordRedemption(redemption.grantUid, redemption, redemption.createdAt);
      const [never, once, twice] = made.map(({ id }) => id);
      for (const [id = '', number] of [
        [once, 1],
        [twice, 1],
        [twice, 2],
      ] as const)
        await recordRenewalOf(store, sampleRenewal(id, number, { renewedAt: NOW + number }), NOW + number);
      const list = async (page: { grantUid?: string }, matches?: (item: ListedRedemption) => boolean) => {
        const items = await everyItem((all) => store.listRedemptions({ ...all, ...page }, matches));
        return items.map(({ name, newest }) => `${name} ${newest?.number}`);
      };
      const all = ['link-0 undefined', 'link-1 1', 'link-2 2', 'link-3 undefined'];
      expect(await list({})).toEqual(all);
      expect(await list({ grantUid: one })).toEqual([all[0], all[2]]);
      expect(await list({}, ({ newest }) => newest !== undefined)).toEqual([all[1], all[2]]);
      expect(await list({ grantUid: two }, ({ id }) => id === never)).toEqual([]);
      const [, , listed] = (await store.listRedemptions({ limit: 10 })).items;
      const { certificate: _, policy: _policy, sealedAnswer: _sealed, ...redemption } = made[2] as Redemption;
      const [newest] = (await store.findRenewedRedemption(twice ?? ''))?.renewals ?? [];
      const { certificate: _newest, ...renewal } = newest as Renewal;
      expect(listed).toMatchObject({ ...redemption, newest: renewal });
      for (const large of ['certificate', 'policy', 'sealedAnswer']) expect(listed).not.toHaveProperty(large);
      expect(listed?.newest).toEqual(renewal);
    });

    it('erases expired sealed answers, and no others', async () => {
      const { store } = current();
      const uid = await grantWith({ redemptionsAllowed: 9 });
      const sealed = (until: number) =>
        sampleRedemption(uid, {
          mode: 'stock',
          sealedAnswer: new Uint8Array(48).fill(7),
          sealedUntil: until,
        });
      const [early, late] = [sealed(NOW + 1), sealed(NOW + 2)];
      await store.recordRedemption(uid, early, NOW);
      await store.recordRedemption(uid, late, NOW);
      expect(await store.eraseSealedAnswers(NOW)).toBe(0);
      expect(await store.eraseSealedAnswers(NOW + 1)).toBe(1);
      expect(await recordedRedemption(store, early.id)).toEqual({
        ...early,
        sealedAnswer: null,
        sealedUntil: null,
      });
      expect(await recordedRedemption(store, late.id)).toEqual(late);
      expect(await store.eraseSealedAnswers(NOW + 1)).toBe(0);
    });
  });
}

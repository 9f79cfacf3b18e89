import { describe, expect, it } from 'vitest';
import type { Redemption } from '../../../src/domain/redemption.js';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
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
import { eventually } from '../../support/until.js';
import type { ConformanceSize, CurrentStore } from './store-conformance.js';
import { everyEntry } from './store-conformance-ledger.js';

const DAYS = 24 * 60 * MINUTE;

/** Renewals: each redemption has one newest certificate, also after concurrent renewals. */
export function renewalConformance(
  current: CurrentStore,
  { renewalsRetained = Number.POSITIVE_INFINITY }: ConformanceSize,
): void {
  describe('recording renewals', () => {
    const redeemed = async (changes: Partial<Redemption> = {}): Promise<Redemption> => {
      const { store } = current();
      const { namespace = 'default' } = changes;
      const grant = await storedGrant(store, { namespace });
      const redemption = sampleRedemption(grant.uid, changes);
      await store.recordRedemption(grant.uid, redemption, NOW);
      return redemption;
    };
    const kinds = async ({ grantUid }: Redemption) =>
      // The SQL stores also have an entry about the creation of the grant.
      (await everyEntry(current().store, { grantUid }))
        .map(({ kind }) => kind)
        .filter((kind) => kind !== 'created');

    it('stores each renewal unchanged after the previous one, and does not change the redemption', async () => {
      const { store } = current();
      const redemption = await redeemed({ namespace: 'west', issuer: 'other-ca' });
      const { id } = redemption;
      expect(await store.findRenewedRedemption(id)).toEqual({ redemption, renewals: [] });
      expect(await store.listRenewals(id)).toEqual([]);
      const [one, two, three] = [1, 2, 3].map((number) => sampleRenewal(id, number));
      if (!one || !two || !three) throw new Error('no samples');
      expect(await recordRenewalOf(store, one, NOW)).toBe('recorded');
      expect(await store.findRenewedRedemption(id)).toEqual({ redemption, renewals: [one] });
      expect(await recordRenewalOf(store, two, NOW + 1)).toBe('recorded');
      expect(await recordRenewalOf(store, three, NOW + 2)).toBe('recorded');
      expect(await store.findRenewedRedemption(id)).toEqual({ redemption, renewals: [three, two] });
      expect(await store.listRenewals(id)).toEqual([one, two, three].slice(-renewalsRetained));
      expect(await recordedRedemption(store, id)).toEqual(redemption);
      expect(await kinds(redemption)).toEqual(['redeemed', 'renewed', 'renewed', 'renewed']);
    });

    it('returns nothing for an unknown redemption, and stores no renewal of it', async () => {
      const { store } = current();
      const { id } = sampleRedemption(sampleGrant().uid);
      expect(await store.findRenewedRedemption(id)).toBeUndefined();
      expect(await store.listRenewals(id)).toEqual([]);
      expect(await recordRenewalOf(store, sampleRenewal(id, 1), NOW)).toEqual({ refused: 'renewal_refused' });
      expect(await store.listRenewals(id)).toEqual([]);
    });

    it('stores the same renewal once, however often it is recorded', async () => {
      const { store } = current();
      const redemption = await redeemed();
      const renewal = sampleRenewal(redemption.id, 1);
      const atOnce = Array.from({ length: 4 }, () => recordRenewalOf(store, renewal, NOW));
      expect(await Promise.all(atOnce)).toEqual(Array(4).fill('recorded'));
      expect(await recordRenewalOf(store, renewal, NOW + MINUTE)).toBe('recorded');
      expect(await store.listRenewals(redemption.id)).toEqual([renewal]);
      expect(await kinds(redemption)).toEqual(['redeemed', 'renewed']);
    });

    it('refuses a gap in the numbers, and returns the renewal that already has a number', async () => {
      const { store } = current();
      const { id } = await redeemed();
      expect(await recordRenewalOf(store, sampleRenewal(id, 2), NOW)).toEqual({ refused: 'renewal_refused' });
      const first = sampleRenewal(id, 1);
      await recordRenewalOf(store, first, NOW);
      expect(await recordRenewalOf(store, sampleRenewal(id, 1), NOW)).toEqual({ supersededBy: first });
      await recordRenewalOf(store, sampleRenewal(id, 2), NOW);
      expect(await recordRenewalOf(store, sampleRenewal(id, 1), NOW)).toEqual({ supersededBy: first });
      expect(await store.listRenewals(id)).toHaveLength(2);
    });

    it('records exactly one of N concurrent renewals with the same number, through two connections', async () => {
      const another = await current().openAnother();
      const { id } = await redeemed();
      const stores = [current().store, another];
      for (let number = 1; number <= 5; number += 1) {
        const racing = Array.from({ length: 10 }, () => sampleRenewal(id, number));
        const outcomes = await Promise.all(
          racing.map((renewal, index) => recordRenewalOf(stores[index % 2] as GrantStore, renewal, NOW)),
        );
        const winners = racing.filter((_, index) => outcomes[index] === 'recorded');
        expect(winners).toHaveLength(1);
        const others = outcomes.filter((outcome) => outcome !== 'recorded');
        expect(others).toEqual(Array(9).fill({ supersededBy: winners[0] }));
        expect((await another.findRenewedRedemption(id))?.renewals[0]).toEqual(winners[0]);
      }
      expect(await another.listRenewals(id)).toHaveLength(Math.min(5, renewalsRetained));
    });

    it('refuses a renewal of a revoked redemption, which can still be found', async () => {
      const { store } = current();
      const redemption = await redeemed();
      const { id } = redemption;
      const renewal = sampleRenewal(id, 1);
      await recordRenewalOf(store, renewal, NOW);
      await store.revokeRedemption(id, NOW + 1);
      const refused = { refused: 'redemption_revoked' };
      expect(await recordRenewalOf(store, sampleRenewal(id, 2), NOW + 2)).toEqual(refused);
      expect(await recordRenewalOf(store, renewal, NOW + 2)).toEqual(refused);
      expect(await store.findRenewedRedemption(id)).toEqual({
        redemption: { ...redemption, revokedAt: NOW + 1 },
        renewals: [renewal],
      });
    });

    it('records renewals after the grant was revoked or deleted', async () => {
      const { store } = current();
      const { id, grantUid } = await redeemed();
      await store.revokeGrant(grantUid, NOW);
      expect(await recordRenewalOf(store, sampleRenewal(id, 1), NOW)).toBe('recorded');
      await store.deleteGrant(grantUid);
      expect(await recordRenewalOf(store, sampleRenewal(id, 2), NOW)).toBe('recorded');
    });

    it('counts the redemptions whose newest certificate depends on a CA', async () => {
      const { store } = current();
      const [old, next] = ['a'.repeat(64), 'b'.repeat(64)] as const;
      const links = [];
      for (let n = 0; n < 4; n += 1) {
        links.push(await redeemed({ issuerSha256: old, notAfter: NOW + 30 * DAYS }));
      }
      const expectCounts = (at: number, counts: Readonly<Record<string, number>>) =>
        eventually(async () => expect(Object.fromEntries(await store.countDependents(at))).toEqual(counts));
      await expectCounts(NOW, { [old]: 4 });
      const [one, two, three] = links.map(({ id }) => id);
      if (one === undefined || two === undefined || three === undefined) throw new Error('no links');
      const notAfter = NOW + 60 * DAYS;
      await recordRenewalOf(store, sampleRenewal(one, 1, { issuerSha256: next, notAfter }), NOW);
      await recordRenewalOf(store, sampleRenewal(two, 1, { issuerSha256: old, notAfter }), NOW);
      await expectCounts(NOW, { [old]: 3, [next]: 1 });
      await recordRenewalOf(store, sampleRenewal(two, 2, { issuerSha256: next, notAfter }), NOW);
      await store.revokeRedemption(three, NOW);
      await expectCounts(NOW, { [old]: 1, [next]: 2 });
      await expectCounts(NOW + 31 * DAYS, { [next]: 2 });
      await expectCounts(NOW + 61 * DAYS, {});
    });

    it('counts the redemptions whose newest certificate was issued before a time', async () => {
      const { store } = current();
      const old = await redeemed({ createdAt: NOW, notAfter: NOW + 30 * DAYS });
      const renewed = await redeemed({ createdAt: NOW, notAfter: NOW + 30 * DAYS });
      const revoked = await redeemed({ createdAt: NOW, notAfter: NOW + 30 * DAYS });
      await redeemed({ createdAt: NOW + 2 * DAYS, notAfter: NOW + 30 * DAYS });
      const expectCount = (count: number, before: number, at = before) =>
        eventually(async () => expect(await store.countIssuedBefore(before, at)).toBe(count));
      await expectCount(4, NOW + 3 * DAYS);
      await expectCount(0, NOW);
      await expectCount(3, NOW + 1);
      const late = { renewedAt: NOW + 2 * DAYS, notAfter: NOW + 60 * DAYS };
      await recordRenewalOf(
        store,
        sampleRenewal(renewed.id, 1, { renewedAt: NOW + 1, notAfter: NOW + 20 * DAYS }),
        NOW + 1,
      );
      await expectCount(3, NOW + 2);
      await recordRenewalOf(store, sampleRenewal(renewed.id, 2, late), NOW + 2 * DAYS);
      await store.revokeRedemption(revoked.id, NOW);
      await expectCount(1, NOW + DAYS);
      await expectCount(0, NOW + DAYS, old.notAfter);
      await expectCount(1, NOW + 3 * DAYS, old.notAfter);
    });
  });
}

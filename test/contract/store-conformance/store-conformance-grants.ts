import { describe, expect, it } from 'vitest';
import { codeMatches } from '../../../src/codes/opaque-code.js';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import type { PolicyChange } from '../../../src/domain/policy.js';
import { everyItem, type Page } from '../../../src/redemption/ports/page.js';
import {
  MINUTE,
  NOW,
  recordedRedemption,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

/** Tests how a store creates, finds, lists, revokes, deletes and counts grants, and its probe. */
export function grantConformance(current: CurrentStore): void {
  describe('grants', () => {
    it('returns a grant as it was stored, by uid and by name', async () => {
      const { store } = current();
      const requested = sampleGrant({
        namespace: 'west',
        name: 'full',
        isUserSuppliedCode: true,
        redemptionsAllowed: 7,
        issuer: 'my-ca',
        policy: { subjects: ['a*'], names: [], csrRequired: true, keyTypes: ['p256'], notBefore: NOW },
      });
      const grant = (await store.createGrant(requested, SAMPLE_CODE)) as AccessGrant;
      // Kubernetes assigns the uid and the creation time.
      const { uid, codeHash, createdAt } = grant;
      expect(grant).toEqual({ ...requested, uid, codeHash, createdAt });
      expect(codeMatches(codeHash, uid, Buffer.from(SAMPLE_CODE))).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual(grant);
      expect(await store.findGrantByName('west', 'full')).toEqual(grant);
    });

    it('returns the nulls and the empty policy of a grant as they were stored', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { expirationTime: null, readyAt: null });
      expect(await store.findGrant(grant.uid)).toEqual(grant);
    });

    it('returns nothing for an unknown grant', async () => {
      const { store } = current();
      expect(await store.findGrant(sampleGrant().uid)).toBeUndefined();
      expect(await store.findGrantByName('default', 'nobody')).toBeUndefined();
    });

    it('refuses a second grant with the same namespace and name, and accepts the name in another namespace', async () => {
      const { store } = current();
      const first = await storedGrant(store, { name: 'same' });
      const second = sampleGrant({ name: 'same' });
      expect(await store.createGrant(second, SAMPLE_CODE)).toBe('name_taken');
      expect(await store.findGrant(second.uid)).toBeUndefined();
      expect((await store.findGrantByName('default', 'same'))?.uid).toBe(first.uid);
      const elsewhere = await storedGrant(store, { name: 'same', namespace: 'other' });
      expect(await store.findGrantByName('other', 'same')).toEqual(elsewhere);
    });

    it('creates exactly one of many concurrent grants with the same name', async () => {
      const { store } = current();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store.createGrant(sampleGrant({ name: 'contested' }), SAMPLE_CODE)),
      );
      expect(outcomes.filter((outcome) => outcome !== 'name_taken')).toHaveLength(1);
    });

    it('lists by namespace and name in pages, without gap or repetition when grants are added meanwhile', async () => {
      const { store } = current();
      const names = ['b', 'd', 'a', 'c', 'e'];
      for (const namespace of ['two', 'one']) {
        for (const name of names) await storedGrant(store, { namespace, name });
      }
      const seen: string[] = [];
      let page: Page<AccessGrant> = await store.listGrants({ limit: 3 });
      await storedGrant(store, { namespace: 'one', name: 'aa' });
      for (;;) {
        seen.push(...page.items.map((grant) => `${grant.namespace}/${grant.name}`));
        if (page.next === undefined) break;
        page = await store.listGrants({ limit: 3, after: page.next });
      }
      const sorted = ['one', 'two'].flatMap((namespace) =>
        [...names].sort().map((name) => `${namespace}/${name}`),
      );
      expect(seen).toEqual(sorted);
    });

    it('lists one namespace alone, and ends a listing with a page that has no next', async () => {
      const { store } = current();
      for (const name of ['a', 'b']) await storedGrant(store, { namespace: 'one', name });
      await storedGrant(store, { namespace: 'two', name: 'c' });
      const page = await store.listGrants({ limit: 2, namespace: 'one' });
      expect(page.items.map((grant) => grant.name)).toEqual(['a', 'b']);
      expect(page.next).toBeUndefined();
      expect((await store.listGrants({ limit: 10, namespace: 'none' })).items).toEqual([]);
    });

    it('lists the grants that match, in the same order, at once and in pages', async () => {
      const { store } = current();
      for (const name of ['d', 'a', 'c', 'b']) await storedGrant(store, { name });
      const isWanted = ({ name }: AccessGrant) => name !== 'b' && name !== 'a';
      const atOnce = await everyItem((page) => store.listGrants(page, isWanted));
      expect(atOnce.map(({ name }) => name)).toEqual(['c', 'd']);
      const inPages = await everyItem(({ after }) => store.listGrants({ limit: 1, after }, isWanted));
      expect(inPages).toEqual(atOnce);
    });

    it('refuses a cursor that no listing returned', async () => {
      const { store } = current();
      await expect(store.listGrants({ limit: 2, after: 'made up' })).rejects.toThrow(RangeError);
      await expect(store.listRedemptions({ limit: 2, after: 'made up' })).rejects.toThrow(RangeError);
    });

    it('changes how often a grant can be redeemed, and nothing else, at once', async () => {
      const { store } = current();
      const grant = await storedGrant(store);
      const bystander = await storedGrant(store);
      await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      const spent = await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      expect(spent).toMatchObject({ refused: 'grant_exhausted' });
      const raised = { redemptionsAllowed: 3 };
      expect(await store.updateGrant(grant.uid, raised)).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, ...raised, redemptions: 1 });
      expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)).toBe('recorded');
      expect(await store.updateGrant(grant.uid, { redemptionsAllowed: 1 })).toBe(true);
      const lowered = await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      expect(lowered).toMatchObject({ refused: 'grant_exhausted' });
      expect(await store.findGrant(bystander.uid)).toEqual(bystander);
      expect(await store.updateGrant(sampleGrant().uid, raised)).toBe(false);
    });

    it('changes rules of the policy and the expiry of a grant, each alone, and redeems until the new expiry', async () => {
      const { store } = current();
      const grant = await storedGrant(store, {
        redemptionsAllowed: 5,
        policy: { subjects: ['a'], csrRequired: true },
      });
      const added = {
        names: [],
        sourceCidrs: ['10.0.0.0/8'],
        certificateLifetimeMs: MINUTE,
        notBefore: NOW,
      };
      const policy = { ...added, csrRequired: true };
      expect(await store.updateGrant(grant.uid, { policy: { ...added, subjects: null } })).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, policy });
      const longer = { expirationWindowMs: 60 * MINUTE, expirationTime: NOW + 60 * MINUTE };
      expect(await store.updateGrant(grant.uid, longer)).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, policy, ...longer });
      const late = NOW + 30 * MINUTE;
      expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), late)).toBe('recorded');
      await store.updateGrant(grant.uid, { expirationTime: late });
      const ended = await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), late);
      expect(ended).toMatchObject({ refused: 'grant_expired' });
    });

    it('retains both of two concurrent changes to different rules of a policy', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { policy: { subjects: ['a'] } });
      const changes: PolicyChange[] = [{ subjects: null, names: ['b'] }, { csrRequired: true }];
      await Promise.all(changes.map((policy) => store.updateGrant(grant.uid, { policy })));
      expect((await store.findGrant(grant.uid))?.policy).toEqual({ names: ['b'], csrRequired: true });
    });

    it('revokes a grant once', async () => {
      const { store } = current();
      const grant = await storedGrant(store);
      expect(await store.revokeGrant(grant.uid, NOW + 5)).toBe(true);
      expect(await store.revokeGrant(grant.uid, NOW + 6)).toBe(false);
      expect(await store.revokeGrant(sampleGrant().uid, NOW)).toBe(false);
      expect((await store.findGrant(grant.uid))?.revokedAt).toBe(NOW + 5);
    });

    it('deletes a grant and retains its redemptions', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { name: 'gone' });
      const redemption = sampleRedemption(grant.uid);
      await store.recordRedemption(grant.uid, redemption, NOW);
      expect(await store.deleteGrant(grant.uid)).toBe(true);
      expect(await store.deleteGrant(grant.uid)).toBe(false);
      expect(await store.findGrant(grant.uid)).toBeUndefined();
      expect(await recordedRedemption(store, redemption.id)).toEqual(redemption);
      expect((await store.listAttempts(grant.uid, 10)).map((attempt) => attempt.outcome)).toEqual([
        'redeemed',
      ]);
      expect((await storedGrant(store, { name: 'gone' })).uid).not.toBe(grant.uid);
    });

    it('counts grants by state', async () => {
      const { store } = current();
      const revoked = await storedGrant(store, { expirationTime: NOW - 1 });
      await store.revokeGrant(revoked.uid, NOW);
      await storedGrant(store, { expirationTime: null });
      await storedGrant(store, { expirationTime: NOW });
      const { uid } = await storedGrant(store);
      await store.recordRedemption(uid, sampleRedemption(uid), NOW);
      await storedGrant(store);
      await storedGrant(store, { expirationTime: NOW + 1 });
      expect(await store.countGrants(NOW)).toEqual({
        revoked: 1,
        pending: 1,
        expired: 1,
        exhausted: 1,
        ready: 2,
      });
    });

    it('counts the grants that are pending or ready by namespace and issuer', async () => {
      const { store } = current();
      await storedGrant(store, { namespace: 'west' });
      await storedGrant(store, { namespace: 'west', issuer: 'partners' });
      await storedGrant(store, {
        namespace: 'west',
        issuer: 'partners',
        expirationTime: null,
        readyAt: null,
      });
      await storedGrant(store, { namespace: 'west', issuer: 'partners', expirationTime: NOW });
      await storedGrant(store, { namespace: 'west', revokedAt: NOW });
      await storedGrant(store, { namespace: 'one', issuer: 'partners' });
      const uses = await store.countGrantsByIssuer(NOW);
      expect(uses).toHaveLength(3);
      expect(uses).toEqual(
        expect.arrayContaining([
          { namespace: 'west', issuer: null, grants: 1 },
          { namespace: 'west', issuer: 'partners', grants: 2 },
          { namespace: 'one', issuer: 'partners', grants: 1 },
        ]),
      );
    });

    it('can be probed, and is unavailable once it is closed', async () => {
      const { openAnother } = current();
      const other = await openAnother();
      await expect(other.probe()).resolves.toBeUndefined();
      await other.close();
      await other.close();
      await expect(other.probe()).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(other.findGrant('x')).rejects.toMatchObject({ code: 'store_unavailable' });
    });

    it('completes operations that were started before it was closed', async () => {
      const { store, openAnother } = current();
      const other = await openAnother();
      const creating = storedGrant(other);
      await other.close();
      const grant = await creating;
      expect(await store.findGrant(grant.uid)).toEqual(grant);
    });
  });
}

import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import type { Page } from '../../src/redemption/page.js';
import { MINUTE, NOW, sampleGrant, sampleRedemption } from '../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

/** Grants: made, found, listed, started, revoked, deleted, counted; settings; probing. */
export function grantConformance(current: CurrentStore): void {
  describe('keeping grants', () => {
    it('gives a grant back as it was stored, by uid and by name', async () => {
      const { store } = current();
      const grant = sampleGrant({
        namespace: 'west',
        name: 'full',
        codeChosen: true,
        redemptionsAllowed: 7,
        issuer: 'my-ca',
        policy: { subjects: ['a*'], names: [], csrRequired: true, keyTypes: ['p256'], notBefore: NOW },
        siteUid: '0b6f1a0c-6f6e-4a0e-9a55-d7f6c8f0a001',
        sourceFile: 'AccessGrant-full.yaml',
      });
      expect(await store.createGrant(grant)).toBe('created');
      expect(await store.findGrant(grant.uid)).toEqual(grant);
      expect(await store.findGrantByName('west', 'full')).toEqual(grant);
    });

    it('keeps nulls and an empty policy apart from values', async () => {
      const { store } = current();
      const grant = sampleGrant({ expirationTime: null, readyAt: null });
      await store.createGrant(grant);
      expect(await store.findGrant(grant.uid)).toEqual(grant);
    });

    it('knows nothing of a grant that was never stored', async () => {
      const { store } = current();
      expect(await store.findGrant(sampleGrant().uid)).toBeUndefined();
      expect(await store.findGrantByName('default', 'nobody')).toBeUndefined();
    });

    it('refuses a second grant of the same namespace and name, and takes the name elsewhere', async () => {
      const { store } = current();
      const first = sampleGrant({ name: 'same' });
      const second = sampleGrant({ name: 'same' });
      expect(await store.createGrant(first)).toBe('created');
      expect(await store.createGrant(second)).toBe('name_taken');
      expect(await store.findGrant(second.uid)).toBeUndefined();
      expect((await store.findGrantByName('default', 'same'))?.uid).toBe(first.uid);
      expect(await store.createGrant(sampleGrant({ name: 'same', namespace: 'other' }))).toBe('created');
    });

    it('gives a name to exactly one of many that ask at once', async () => {
      const { store } = current();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, () => store.createGrant(sampleGrant({ name: 'contested' }))),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    });

    it('lists by namespace and name in pages, without gap or repetition when grants are added meanwhile', async () => {
      const { store } = current();
      const names = ['b', 'd', 'a', 'c', 'e'];
      for (const namespace of ['two', 'one']) {
        for (const name of names) await store.createGrant(sampleGrant({ namespace, name }));
      }
      const seen: string[] = [];
      let page: Page<AccessGrant> = await store.listGrants({ limit: 3 });
      await store.createGrant(sampleGrant({ namespace: 'one', name: 'aa' }));
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
      for (const name of ['a', 'b']) await store.createGrant(sampleGrant({ namespace: 'one', name }));
      await store.createGrant(sampleGrant({ namespace: 'two', name: 'c' }));
      const page = await store.listGrants({ limit: 2, namespace: 'one' });
      expect(page.items.map((grant) => grant.name)).toEqual(['a', 'b']);
      expect(page.next).toBeUndefined();
      expect((await store.listGrants({ limit: 10, namespace: 'none' })).items).toEqual([]);
    });

    it('lists in pages what files declare, and nothing else', async () => {
      const { store } = current();
      const declared = ['one/b', 'two/a', 'two/c', 'two/d'];
      for (const key of [...declared, 'one/a', 'two/b', 'two/e']) {
        const [namespace, name] = key.split('/') as [string, string];
        const sourceFile = declared.includes(key) ? `AccessGrant-${name}.yaml` : null;
        await store.createGrant(sampleGrant({ namespace, name, sourceFile }));
      }
      const key = ({ namespace, name }: AccessGrant) => `${namespace}/${name}`;
      const first = await store.listDeclaredGrants({ limit: 2 });
      expect(first.items.map(key)).toEqual(declared.slice(0, 2));
      const second = await store.listDeclaredGrants({ limit: 2, after: first.next as string });
      expect(second.items.map(key)).toEqual(declared.slice(2));
      expect(second.next).toBeUndefined();
    });

    it('refuses a position that no listing gave out', async () => {
      const { store } = current();
      await expect(store.listGrants({ limit: 2, after: 'made up' })).rejects.toThrow(RangeError);
      await expect(store.listRedemptions({ limit: 2, after: 'made up' })).rejects.toThrow(RangeError);
    });

    it('starts the clock of grants that have none, once', async () => {
      const { store } = current();
      const waiting = sampleGrant({ expirationTime: null, readyAt: null, expirationWindowMs: 5 * MINUTE });
      const running = sampleGrant();
      await store.createGrant(waiting);
      await store.createGrant(running);
      expect(await store.initializeGrants(NOW + 1)).toBe(1);
      expect(await store.initializeGrants(NOW + 2)).toBe(0);
      const started = await store.findGrant(waiting.uid);
      expect(started).toEqual({ ...waiting, readyAt: NOW + 1, expirationTime: NOW + 1 + 5 * MINUTE });
      expect(await store.findGrant(running.uid)).toEqual(running);
    });

    it('changes how often a grant can be redeemed and what declares it, and nothing else, at once', async () => {
      const { store } = current();
      const grant = sampleGrant({ sourceFile: 'AccessGrant-a.yaml' });
      const bystander = sampleGrant();
      await store.createGrant(grant);
      await store.createGrant(bystander);
      await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      const spent = await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      expect(spent).toMatchObject({ refused: 'grant_exhausted' });
      const raised = { redemptionsAllowed: 3, sourceFile: 'AccessGrant-b.yaml' };
      expect(await store.updateGrant(grant.uid, raised)).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, ...raised, redemptions: 1 });
      expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW)).toBe('recorded');
      expect(await store.updateGrant(grant.uid, { redemptionsAllowed: 1, sourceFile: null })).toBe(true);
      const lowered = await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW);
      expect(lowered).toMatchObject({ refused: 'grant_exhausted' });
      expect(await store.findGrant(bystander.uid)).toEqual(bystander);
      expect(await store.updateGrant(sampleGrant().uid, raised)).toBe(false);
    });

    it('changes the policy and the end of a grant, each alone, and redeems by the new end', async () => {
      const { store } = current();
      const grant = sampleGrant({ redemptionsAllowed: 5, policy: { subjects: ['a'], csrRequired: true } });
      await store.createGrant(grant);
      const policy = {
        names: [],
        sourceCidrs: ['10.0.0.0/8'],
        certificateLifetimeMs: MINUTE,
        notBefore: NOW,
      };
      expect(await store.updateGrant(grant.uid, { policy })).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, policy });
      const longer = { expirationWindowMs: 60 * MINUTE, expirationTime: NOW + 60 * MINUTE };
      expect(await store.updateGrant(grant.uid, longer)).toBe(true);
      expect(await store.findGrant(grant.uid)).toEqual({ ...grant, policy, ...longer });
      const late = NOW + 30 * MINUTE;
      expect(await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), late)).toBe('recorded');
      await store.updateGrant(grant.uid, { expirationTime: late });
      const ended = await store.recordRedemption(grant.uid, sampleRedemption(grant.uid), late);
      expect(ended).toMatchObject({ refused: 'grant_expired' });
      expect(await store.updateGrant(grant.uid, { policy: {} })).toBe(true);
      expect((await store.findGrant(grant.uid))?.policy).toEqual({});
    });

    it('starts the clock of a grant that was not ready with the window that it has by then', async () => {
      const { store } = current();
      const grant = sampleGrant({ expirationTime: null, readyAt: null });
      await store.createGrant(grant);
      await store.updateGrant(grant.uid, { expirationWindowMs: 3 * MINUTE });
      expect(await store.initializeGrants(NOW)).toBe(1);
      expect((await store.findGrant(grant.uid))?.expirationTime).toBe(NOW + 3 * MINUTE);
    });

    it('revokes a grant once', async () => {
      const { store } = current();
      const grant = sampleGrant();
      await store.createGrant(grant);
      expect(await store.revokeGrant(grant.uid, NOW + 5)).toBe(true);
      expect(await store.revokeGrant(grant.uid, NOW + 6)).toBe(false);
      expect(await store.revokeGrant(sampleGrant().uid, NOW)).toBe(false);
      expect((await store.findGrant(grant.uid))?.revokedAt).toBe(NOW + 5);
    });

    it('deletes a grant and keeps what was redeemed from it', async () => {
      const { store } = current();
      const grant = sampleGrant({ name: 'gone' });
      await store.createGrant(grant);
      const redemption = sampleRedemption(grant.uid);
      await store.recordRedemption(grant.uid, redemption, NOW);
      expect(await store.deleteGrant(grant.uid)).toBe(true);
      expect(await store.deleteGrant(grant.uid)).toBe(false);
      expect(await store.findGrant(grant.uid)).toBeUndefined();
      expect(await store.findRedemption(redemption.id)).toEqual(redemption);
      expect((await store.listAttempts(grant.uid, 10)).map((attempt) => attempt.outcome)).toEqual([
        'redeemed',
      ]);
      expect(await store.createGrant(sampleGrant({ name: 'gone' }))).toBe('created');
    });

    it('counts grants by state', async () => {
      const { store } = current();
      const revoked = sampleGrant({ expirationTime: NOW - 1 });
      await store.createGrant(revoked);
      await store.revokeGrant(revoked.uid, NOW);
      await store.createGrant(sampleGrant({ expirationTime: null }));
      await store.createGrant(sampleGrant({ expirationTime: NOW }));
      await store.createGrant(sampleGrant({ redemptionsAllowed: 0 }));
      await store.createGrant(sampleGrant());
      await store.createGrant(sampleGrant({ expirationTime: NOW + 1 }));
      expect(await store.countGrants(NOW)).toEqual({
        revoked: 1,
        pending: 1,
        expired: 1,
        exhausted: 1,
        ready: 2,
      });
    });

    it('shows what one connection wrote to another', async () => {
      const { store, openAnother } = current();
      const grant = sampleGrant();
      const other = await openAnother();
      try {
        await store.createGrant(grant);
        expect(await other.findGrant(grant.uid)).toEqual(grant);
      } finally {
        await other.close();
      }
    });

    it('keeps settings, the last value of each', async () => {
      const { store } = current();
      expect(await store.getSetting('url')).toBeUndefined();
      await store.putSetting('url', 'https://a.example');
      await store.putSetting('url', 'https://b.example');
      expect(await store.getSetting('url')).toBe('https://b.example');
    });

    it('gives numbers that only go up, none of them twice, whoever asks', async () => {
      const { store, openAnother } = current();
      const other = await openAnother();
      try {
        expect(await store.nextNumber('n', 7)).toBe(7);
        const asked = Array.from({ length: 20 }, (_, index) =>
          (index % 2 ? store : other).nextNumber('n', 7),
        );
        const numbers = (await Promise.all(asked)).sort((a, b) => a - b);
        expect(numbers).toEqual(Array.from({ length: 20 }, (_, index) => 8 + index));
        expect(await other.nextNumber('n', 1_900_000_000_000)).toBe(1_900_000_000_000);
        expect(await store.nextNumber('n', 1_800_000_000_000)).toBe(1_900_000_000_001);
        expect(await store.nextNumber('another', 1)).toBe(1);
      } finally {
        await other.close();
      }
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

    it('answers what was asked before it was closed', async () => {
      const { store, openAnother } = current();
      const other = await openAnother();
      const grant = sampleGrant();
      const created = other.createGrant(grant);
      await other.close();
      expect(await created).toBe('created');
      expect(await store.findGrant(grant.uid)).toEqual(grant);
    });
  });
}

import { describe, expect, it } from 'vitest';
import { NOW, sampleGrant, storedGrant } from '../../support/store-samples.js';
import { eventually } from '../../support/until.js';
import type { CurrentStore } from './store-conformance.js';
import { everyEntry } from './store-conformance-ledger.js';

const DAY = 86_400_000;

/** Requests with a wrong code: one counter for each grant, beside the ledger. */
export function wrongCodeConformance(current: CurrentStore): void {
  describe('requests with a wrong code', () => {
    it('are counted for each grant, by all processes, with time and address of the last one', async () => {
      const { store, openAnother } = current();
      const another = await openAnother();
      const [{ uid }, { uid: other }] = [await storedGrant(store), await storedGrant(store)];
      expect(await store.findWrongCodes(uid)).toBeUndefined();
      await store.addWrongCodes(uid, { count: 2, lastAt: NOW + 20, lastPeer: '192.0.2.7' });
      expect(await another.findWrongCodes(uid)).toEqual({
        count: 2,
        lastAt: NOW + 20,
        lastPeer: '192.0.2.7',
      });
      // A process may write later than another one that counted a later request.
      await another.addWrongCodes(uid, { count: 3, lastAt: NOW + 10, lastPeer: '198.51.100.9' });
      expect(await store.findWrongCodes(uid)).toEqual({ count: 5, lastAt: NOW + 20, lastPeer: '192.0.2.7' });
      await another.addWrongCodes(uid, { count: 1, lastAt: NOW + 30, lastPeer: '2001:db8::1' });
      expect(await store.findWrongCodes(uid)).toEqual({
        count: 6,
        lastAt: NOW + 30,
        lastPeer: '2001:db8::1',
      });
      expect(await store.findWrongCodes(other)).toBeUndefined();
    });

    it('are all counted when several processes count them at once', async () => {
      const { store, openAnother } = current();
      const stores = [store, await openAnother()];
      const grants = [await storedGrant(store), await storedGrant(store), await storedGrant(store)];
      const add = (uid: string, n: number) =>
        stores[n % 2]?.addWrongCodes(uid, { count: 1, lastAt: NOW + n, lastPeer: `192.0.2.${n}` });
      await Promise.all(
        Array.from({ length: 8 }, (_, n) => n).flatMap((n) =>
          (n % 2 ? grants : grants.toReversed()).map(({ uid }) => add(uid, n)),
        ),
      );
      for (const { uid } of grants)
        expect(await store.findWrongCodes(uid)).toEqual({ count: 8, lastAt: NOW + 7, lastPeer: '192.0.2.7' });
    });

    it('change neither the ledger nor the attempts of the grant', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      const entries = await everyEntry(store, {});
      await store.addWrongCodes(uid, { count: 10, lastAt: NOW, lastPeer: '192.0.2.7' });
      expect(await everyEntry(store, {})).toEqual(entries);
      expect(await store.listAttempts(uid, 10)).toEqual([]);
      expect((await store.listLedger({ limit: 10, kind: 'refused' })).items).toEqual([]);
      expect((await store.countRefusals(NOW - DAY)).byCode).toEqual([]);
      expect((await store.verifyLedger()).fault).toBeUndefined();
    });

    it('are listed with the refusals since a time: the five grants with the latest ones', async () => {
      const { store } = current();
      const grants = [];
      for (let n = 0; n < 7; n += 1) grants.push(await storedGrant(store));
      for (const [n, { uid }] of grants.entries())
        await store.addWrongCodes(uid, { count: n + 1, lastAt: NOW + n, lastPeer: `192.0.2.${n}` });
      const counted = async (since: number) =>
        (await store.countRefusals(since)).wrongCodes.map(({ grantName, count }) => [grantName, count]);
      const latestFirst = grants.map(({ name }, n) => [name, n + 1]).reverse();
      await eventually(async () => expect(await counted(NOW)).toEqual(latestFirst.slice(0, 5)));
      expect(await counted(NOW + 5)).toEqual(latestFirst.slice(0, 2));
      const [latest] = (await store.countRefusals(NOW)).wrongCodes;
      const { uid: grantUid, name: grantName, namespace } = grants[6] ?? sampleGrant();
      const requests = { count: 7, lastAt: NOW + 6, lastPeer: '192.0.2.6' };
      expect(latest).toEqual({ grantUid, grantName, namespace, ...requests });
    });

    it('are not counted for an unknown grant, and no longer listed after the deletion of their grant', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      const unknown = sampleGrant().uid;
      for (const grantUid of [uid, unknown])
        await store.addWrongCodes(grantUid, { count: 1, lastAt: NOW, lastPeer: '192.0.2.7' });
      expect(await store.findWrongCodes(unknown)).toBeUndefined();
      await store.deleteGrant(uid);
      await eventually(async () => expect((await store.countRefusals(NOW)).wrongCodes).toEqual([]));
    });
  });
}

import { describe, expect, it } from 'vitest';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
import type { LedgerPage, ListedEntry } from '../../../src/redemption/ports/ledger-store.js';
import { everyItem } from '../../../src/redemption/ports/page.js';
import {
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';
import { refusal } from './store-conformance-ledger.js';

// Only some stores write entries about the limits of grants, and about their deletion.
const IN_SOME_STORES = ['created', 'changed', 'code_recorded', 'deleted'];

async function listed(
  store: GrantStore,
  part: Omit<LedgerPage, 'limit'> = {},
  limit = 2,
): Promise<ListedEntry[]> {
  const items = await everyItem((page) => store.listLedger({ ...page, ...part, limit }));
  return items.filter(({ kind }) => !IN_SOME_STORES.includes(kind));
}

/** Each item as its kind and its time. */
const summary = (items: readonly ListedEntry[]) => items.map(({ kind, at }) => `${kind} ${at - NOW}`);

/** Two grants, `paris` and `lyon`, with entries that alternate. */
async function twoGrants(store: GrantStore) {
  const paris = await storedGrant(store, { name: 'paris', redemptionsAllowed: 9 });
  const lyon = await storedGrant(store, { name: 'lyon', redemptionsAllowed: 9 });
  const redemption = sampleRedemption(paris.uid, { createdAt: NOW + 1000 });
  await store.recordRedemption(paris.uid, redemption, NOW + 1000);
  await store.recordRefusal(refusal(lyon.uid, 'grant_revoked'), NOW + 2000);
  await store.recordRedemption(lyon.uid, sampleRedemption(lyon.uid, { createdAt: NOW + 3000 }), NOW + 3000);
  await recordRenewalOf(store, sampleRenewal(redemption.id, 1, { renewedAt: NOW + 4000 }), NOW + 4000);
  await store.revokeGrant(lyon.uid, NOW + 5000);
  await store.revokeRedemption(redemption.id, NOW + 6000);
  return { paris, lyon, redemption };
}

/** The listing of the ledger. */
export function listingConformance(current: CurrentStore): void {
  describe('the listing of the ledger', () => {
    it('has the entries of all grants newest first, totals among them, each with the name of its grant', async () => {
      const { store } = current();
      const { paris, lyon } = await twoGrants(store);
      const all = await listed(store);
      expect(all.map(({ grantName, kind, at }) => [grantName, kind, at - NOW])).toEqual([
        ['paris', 'revoked', 6000],
        ['lyon', 'grant_revoked', 5000],
        ['paris', 'renewed', 4000],
        ['lyon', 'redeemed', 3000],
        ['lyon', 'refused', 2000],
        ['paris', 'redeemed', 1000],
      ]);
      expect(await listed(store, { grantUid: lyon.uid })).toEqual(
        all.filter(({ grantUid }) => grantUid === lyon.uid),
      );
      await store.deleteGrant(paris.uid);
      expect((await listed(store, { grantUid: paris.uid })).map(({ grantName }) => grantName)).toEqual(
        Array(3).fill('paris'),
      );
    });

    it('is filtered by kind, since a time, and until before a time', async () => {
      const { store } = current();
      const { lyon } = await twoGrants(store);
      const find = async (part: Omit<LedgerPage, 'limit'>) => summary(await listed(store, part, 1));
      expect(await find({ kind: 'redeemed' })).toEqual(['redeemed 3000', 'redeemed 1000']);
      expect(await find({ kind: 'refused' })).toEqual(['refused 2000']);
      expect(await find({ kind: 'redeemed', grantUid: lyon.uid })).toEqual(['redeemed 3000']);
      // A refusal can have the name of a kind as its code.
      expect(await find({ kind: 'grant_revoked' })).toEqual(['grant_revoked 5000']);
      expect(await find({ kind: 'superseded' })).toEqual([]);
      expect(await find({ since: NOW + 5000 })).toEqual(['revoked 6000', 'grant_revoked 5000']);
      expect(await find({ until: NOW + 2000 })).toEqual(['redeemed 1000']);
      expect(await find({ since: NOW + 2000, until: NOW + 4000 })).toEqual(['redeemed 3000', 'refused 2000']);
      expect(await find({ since: NOW + 2000, until: NOW + 2000 })).toEqual([]);
    });

    it('has each entry once, in pages of each size, while entries of the same time and newer ones are added', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { redemptionsAllowed: 50 });
      const redeem = (at: number) =>
        store.recordRedemption(uid, sampleRedemption(uid, { createdAt: at }), at);
      for (const at of [NOW, NOW, NOW, NOW + 1000, NOW + 1000]) await redeem(at);
      for (const name of ['link-a', 'link-b', 'link-c'])
        await store.recordRefusal(refusal(uid, 'policy_name', name), NOW + 1000);
      const before = await listed(store, {}, 100);
      expect(before).toHaveLength(8);
      for (const limit of [1, 2, 3, 7]) {
        const found: ListedEntry[] = [];
        let after: string | undefined;
        do {
          const page = await store.listLedger({ limit, after });
          found.push(...page.items);
          after = page.next;
          await redeem(NOW + 2000);
          await store.recordRefusal(refusal(uid, 'policy_name', `link-${limit}`), NOW + 2000);
        } while (after !== undefined);
        const old = found.filter(({ kind, at }) => !IN_SOME_STORES.includes(kind) && at < NOW + 2000);
        expect(old).toEqual(before);
      }
    });

    it('has a total that rises at its new place', async () => {
      const { store } = current();
      const { lyon } = await twoGrants(store);
      await store.recordRefusal(refusal(lyon.uid, 'grant_revoked'), NOW + 7000);
      const all = await listed(store);
      expect(summary(all).slice(0, 2)).toEqual(['refused 7000', 'revoked 6000']);
      expect(all[0]?.detail).toMatchObject({ code: 'grant_revoked', count: 2, firstAt: NOW + 2000 });
      expect(summary(all)).toHaveLength(6);
    });

    it('refuses a cursor that is no position in it', async () => {
      const { store } = current();
      for (const after of ['x', Buffer.from('["a",1]').toString('base64url')])
        await expect(store.listLedger({ limit: 1, after })).rejects.toThrow(RangeError);
    });
  });
}

/** A search in the ledger of a database. */
export function searchConformance(current: CurrentStore<DatabaseStore>): void {
  it('finds the entries of an actor and of a subject behind 10,000 others, in several steps', async () => {
    const { store } = current();
    const { uid } = await storedGrant(store, { redemptionsAllowed: 9 });
    await store.recordRedemption(uid, sampleRedemption(uid, { subject: 'Île-de-Paris' }), NOW);
    await store.recordRefusal(refusal(uid, 'policy_subject'), NOW);
    await store.actingAs({ actor: 'oidc:4711', actorName: 'Ada' }).revokeGrant(uid, NOW);
    // Each adds two entries.
    const revocations = Array.from({ length: 5_100 }, (_, n) =>
      store.revokeCode({ grantUid: uid, jti: `j${n}`, uses: 1, expirationTime: NOW }, NOW + 1 + n),
    );
    await Promise.all(revocations);
    const kinds = async (part: Omit<LedgerPage, 'limit'>) =>
      (await everyItem((page) => store.listLedger({ ...page, ...part }))).map(({ kind }) => kind);
    expect(await store.listLedger({ limit: 10, actorPart: 'Ada' })).toEqual({
      items: [],
      next: expect.any(String),
    });
    expect(await kinds({ actorPart: '4711' })).toEqual(['grant_revoked']);
    expect(await kinds({ actorPart: 'aDA', grantUid: uid })).toEqual(['grant_revoked']);
    expect(await kinds({ actorPart: 'Bob' })).toEqual([]);
    expect(await kinds({ subjectPart: '-DE-pari' })).toEqual(['redeemed']);
    expect(await kinds({ subjectPart: 'site' })).toEqual(['refused']);
    expect(await kinds({ kind: 'code_revoked' })).toHaveLength(5_100);
  });
}

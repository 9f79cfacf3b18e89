import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import type { RedemptionErrorCode } from '../../../src/domain/redemption-error.js';
import type { GrantStore, ProvenRefusal } from '../../../src/redemption/ports/grant-store.js';
import type { LedgerEntry, LedgerPage, ListedEntry } from '../../../src/redemption/ports/ledger-store.js';
import { everyItem } from '../../../src/redemption/ports/page.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

/** Reads a listing without the entries about limits of grants and codes, which only some stores write. */
async function everyOperation(
  store: GrantStore,
  part: { readonly grantUid?: string; readonly since?: number },
): Promise<LedgerEntry[]> {
  const limits = ['created', 'changed', 'code_recorded'];
  return (await everyEntry(store, part)).filter(({ kind }) => !limits.includes(kind));
}

/** Reads all entries of a listing, in small pages, and returns them by grant and number. */
export async function everyEntry(
  store: GrantStore,
  part: { readonly grantUid?: string; readonly since?: number },
): Promise<LedgerEntry[]> {
  const listed = await everyItem((page) => store.listLedger({ ...page, ...part, limit: 3 }));
  return listed
    .flatMap(({ seq, kind, grantName: _, ...entry }) =>
      seq === undefined || kind === 'refused' ? [] : [{ ...entry, kind, seq }],
    )
    .sort(
      (one, other) =>
        (one.grantUid < other.grantUid ? -1 : 1) * Number(one.grantUid !== other.grantUid) ||
        one.seq - other.seq,
    );
}

/** Reads all totals of attempts in a listing, in pages of one. */
async function everyTotal(store: GrantStore, part: Omit<LedgerPage, 'limit'> = {}): Promise<ListedEntry[]> {
  const listed = await everyItem((page) => store.listLedger({ ...page, ...part, limit: 1 }));
  return listed.filter(({ seq }) => seq === undefined);
}

/** A refusal of a sample redemption. */
export function refusal(
  grantUid: string,
  code: RedemptionErrorCode,
  name = 'link-a',
  peer = '192.0.2.7',
): ProvenRefusal {
  return { grantUid, code, name, subject: 'site-a', peer };
}

/** The ledger: attempts, entries about operations, and refusals in a bounded number of rows. */
export function ledgerConformance(current: CurrentStore): void {
  describe('the ledger', () => {
    it('lists the last attempts, newest first, replays with the address of their client', async () => {
      const { store } = current();
      const grant = await storedGrant(store);
      const redemption = sampleRedemption(grant.uid);
      await store.recordRedemption(grant.uid, redemption, NOW);
      await store.recordReplay(redemption, '198.51.100.9', NOW + 10);
      await store.recordRefusal(refusal(grant.uid, 'grant_exhausted', 'link-b'), NOW + 20);
      const common = { subject: 'site-a', jti: null, count: 1 };
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

    it('counts equal refusals in one row with the last time', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
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

    it('counts equal refusals of several tokens in one row with the id of the last token', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      const jtiOf = async () => {
        const [attempt] = await store.listAttempts(uid, 10);
        const [total] = await everyTotal(store, { grantUid: uid });
        expect(total?.detail.jti).toBe(attempt?.jti ?? undefined);
        return [attempt?.jti, attempt?.count];
      };
      const one = refusal(uid, 'code_expired');
      await store.recordRefusal({ ...one, jti: 'j1' }, NOW);
      expect(await jtiOf()).toEqual(['j1', 1]);
      await store.recordRefusal({ ...one, jti: 'j2' }, NOW + 1);
      expect(await jtiOf()).toEqual(['j2', 2]);
      // The code of the grant has no id.
      await store.recordRefusal(one, NOW + 2);
      expect(await jtiOf()).toEqual([null, 3]);
    });

    it('lists entries by grant and number, in pages, since a time, with their details', async () => {
      const { store } = current();
      const grants = [
        await storedGrant(store, { redemptionsAllowed: 9 }),
        await storedGrant(store, { redemptionsAllowed: 9 }),
      ];
      const [first, second] = grants.sort((a, b) => (a.uid < b.uid ? -1 : 1)) as [AccessGrant, AccessGrant];
      const redemption = sampleRedemption(first.uid, { jti: 'a1', createdAt: NOW + 1 });
      const signedCode = { jti: 'a1', uses: 1, expirationTime: NOW + MINUTE, subject: null };
      await store.recordRedemption(first.uid, redemption, NOW + 1, { signedCode });
      await store.recordRedemption(second.uid, sampleRedemption(second.uid, { createdAt: NOW + 2 }), NOW + 2);
      const renewal = sampleRenewal(redemption.id, 1, { renewedAt: NOW + 3 });
      await recordRenewalOf(store, renewal, NOW + 3);
      await store.revokeRedemption(redemption.id, NOW + 5);
      await store.revokeGrant(second.uid, NOW + 6);
      await store.revokeCode({ grantUid: second.uid, jti: 'b2', uses: 1, expirationTime: NOW }, NOW + 7);
      const { name, subject, peer, serial, keySha256, certificateSha256, notAfter } = redemption;
      const all = await everyOperation(store, {});
      expect(all.map(({ grantUid, kind, at }) => [grantUid, kind, at - NOW])).toEqual([
        [first.uid, 'redeemed', 1],
        [first.uid, 'renewed', 3],
        [first.uid, 'revoked', 5],
        [second.uid, 'redeemed', 2],
        [second.uid, 'grant_revoked', 6],
        [second.uid, 'code_revoked', 7],
      ]);
      for (const { uid } of [first, second]) {
        const numbers = (await everyEntry(store, { grantUid: uid })).map(({ seq }) => seq);
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      }
      expect(all[0]).toMatchObject({
        redemptionId: redemption.id,
        detail: { jti: 'a1', name, subject, peer, serial, keySha256, certificateSha256, notAfter },
      });
      expect(all[1]?.detail).toMatchObject({ number: 1, serial: renewal.serial, peer: renewal.peer });
      expect(await everyOperation(store, { grantUid: second.uid })).toEqual(all.slice(3));
      expect((await everyOperation(store, { since: NOW + 5 })).map(({ kind }) => kind)).toEqual([
        'revoked',
        'grant_revoked',
        'code_revoked',
      ]);
    });

    it('lists the last entries of one redemption alone, oldest first', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { redemptionsAllowed: 5 });
      const [other, redemption] = [sampleRedemption(grant.uid), sampleRedemption(grant.uid)];
      const { id } = redemption;
      for (const one of [other, redemption]) await store.recordRedemption(grant.uid, one, NOW);
      for (const one of [other.id, id])
        await recordRenewalOf(store, sampleRenewal(one, 1, { renewedAt: NOW + 1 }), NOW + 1);
      await store.revokeRedemption(id, NOW + 2);
      const listed = await store.listRedemptionEntries(id, 10);
      expect(listed.map(({ kind, redemptionId, grantUid }) => ({ kind, redemptionId, grantUid }))).toEqual(
        ['redeemed', 'renewed', 'revoked'].map((kind) => ({ kind, redemptionId: id, grantUid: grant.uid })),
      );
      const entries = (await everyEntry(store, { grantUid: grant.uid })).filter(
        (entry) => entry.redemptionId === id,
      );
      expect(entries).toMatchObject(listed);
      expect(await store.listRedemptionEntries(id, 2)).toEqual(listed.slice(1));
      expect(await store.listRedemptionEntries(randomUUID(), 10)).toEqual([]);
    });

    it('lists counted attempts in pages, of one grant or of all, by their last time', async () => {
      const { store } = current();
      const [{ uid: one }, { uid: other }] = [await storedGrant(store), await storedGrant(store)];
      for (let n = 0; n < 5; n++)
        await store.recordRefusal(refusal(one, 'grant_expired', `link-${n}`), NOW + n);
      await store.recordRefusal(refusal(one, 'grant_expired', 'link-0'), NOW + 9);
      await store.recordRefusal(refusal(other, 'grant_exhausted'), NOW + 5);
      const all = await everyTotal(store);
      const names = ['link-0', 'link-a', 'link-4', 'link-3', 'link-2', 'link-1'];
      expect(all.map(({ detail }) => detail.name)).toEqual(names);
      expect(all[0]).toMatchObject({
        grantUid: one,
        at: NOW + 9,
        kind: 'refused',
        redemptionId: null,
        detail: { code: 'grant_expired', name: 'link-0', subject: 'site-a', count: 2, firstAt: NOW },
      });
      expect(await everyTotal(store, { grantUid: one })).toEqual(
        all.filter(({ grantUid }) => grantUid === one),
      );
      expect(await everyTotal(store, { since: NOW + 4 })).toEqual(all.slice(0, 3));
      expect(await everyTotal(store, { until: NOW + 4 })).toEqual(all.slice(3));
      expect(await everyTotal(store, { kind: 'refused' })).toEqual(all);
      expect(await everyTotal(store, { kind: 'replayed' })).toEqual([]);
    });

    it('stores at most 1,000 rows of refusals for a grant and loses no count', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      const codes: RedemptionErrorCode[] = ['grant_expired', 'grant_exhausted', 'policy_name'];
      const all = Array.from({ length: 1_200 }, (_, n) => ({
        ...refusal(uid, codes[n % 3] ?? 'internal', `link-${n}`, `192.0.2.${n % 200}`),
        jti: `j${n}`,
      }));
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
      expect(new Set(summed.map(({ jti }) => jti))).toEqual(new Set([null]));
      await store.recordRefusal(refusal((await storedGrant(store)).uid, 'grant_expired'), NOW);
      expect(await store.listAttempts(uid, 5_000)).toEqual(attempts);
    });
  });
}

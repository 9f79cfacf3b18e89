import { describe, expect, it } from 'vitest';
import { everyItem } from '../../src/cli/every-item.js';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import type { Redemption } from '../../src/domain/redemption.js';
import type { RedemptionErrorCode } from '../../src/domain/redemption-error.js';
import type { GrantStore } from '../../src/redemption/grant-store.js';
import type { LedgerEntry } from '../../src/redemption/ledger-store.js';
import { MINUTE, NOW, sampleGrant, sampleRedemption, sampleRenewal } from '../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';

function everyEntry(
  store: GrantStore,
  part: { readonly grantUid?: string; readonly since?: number },
): Promise<LedgerEntry[]> {
  return everyItem((page) => store.listLedger({ ...page, ...part, limit: 3 }));
}

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

    it('lists entries by grant and number, in pages, from a time on, and tells of each what happened', async () => {
      const { store } = current();
      const grants = [sampleGrant({ redemptionsAllowed: 9 }), sampleGrant({ redemptionsAllowed: 9 })];
      const [first, second] = grants.sort((a, b) => (a.uid < b.uid ? -1 : 1)) as [AccessGrant, AccessGrant];
      for (const grant of grants) await store.createGrant(grant);
      const redemption = sampleRedemption(first.uid, { jti: 'a1' });
      await store.recordRedemption(first.uid, redemption, NOW + 1);
      await store.recordRedemption(second.uid, sampleRedemption(second.uid), NOW + 2);
      const renewal = sampleRenewal(redemption.id, 1);
      await store.recordRenewal(renewal, NOW + 3);
      await store.recordSuperseded(redemption, '198.51.100.1', NOW + 4);
      await store.revokeRedemption(redemption.id, NOW + 5);
      await store.revokeGrant(second.uid, NOW + 6);
      await store.revokeCode({ grantUid: second.uid, jti: 'b2', uses: 1, expirationTime: NOW }, NOW + 7);
      const { name, subject, peer, serial, keySha256, certificateSha256, notAfter } = redemption;
      const all = await everyEntry(store, {});
      expect(all.map(({ grantUid, seq, kind, at }) => [grantUid, seq, kind, at - NOW])).toEqual([
        [first.uid, 1, 'redeemed', 1],
        [first.uid, 2, 'renewed', 3],
        [first.uid, 3, 'superseded', 4],
        [first.uid, 4, 'revoked', 5],
        [second.uid, 1, 'redeemed', 2],
        [second.uid, 2, 'grant_revoked', 6],
        [second.uid, 3, 'code_revoked', 7],
      ]);
      expect(all[0]).toMatchObject({
        redemptionId: redemption.id,
        detail: { jti: 'a1', name, subject, peer, serial, keySha256, certificateSha256, notAfter },
      });
      expect(all[1]?.detail).toMatchObject({ number: 1, serial: renewal.serial, peer: renewal.peer });
      expect(await everyEntry(store, { grantUid: second.uid })).toEqual(all.slice(4));
      expect((await everyEntry(store, { since: NOW + 5 })).map(({ kind }) => kind)).toEqual([
        'revoked',
        'grant_revoked',
        'code_revoked',
      ]);
      expect(await store.verifyLedger()).toEqual({ entries: 7 });
      expect(await store.verifyLedger(second.uid)).toEqual({ entries: 3 });
    });

    it('lists what is added up in pages, of one grant or of all, by its last time', async () => {
      const { store } = current();
      const [one, other] = [sampleGrant().uid, sampleGrant().uid];
      for (let n = 0; n < 5; n++)
        await store.recordRefusal(refusal(one, 'grant_expired', `link-${n}`), NOW + n);
      await store.recordRefusal(refusal(one, 'grant_expired', 'link-0'), NOW + 9);
      await store.recordRefusal(refusal(other, 'grant_exhausted'), NOW + 3);
      const all = await everyItem((page) => store.listAddedUp({ ...page, limit: 2 }));
      expect(all).toHaveLength(6);
      expect(all.find(({ name }) => name === 'link-0')).toEqual({
        ...refusal(one, 'grant_expired', 'link-0'),
        count: 2,
        firstAt: NOW,
        lastAt: NOW + 9,
      });
      const ofOne = await everyItem((page) => store.listAddedUp({ ...page, limit: 2, grantUid: one }));
      expect(ofOne).toEqual(all.filter(({ grantUid }) => grantUid === one));
      const late = await everyItem((page) => store.listAddedUp({ ...page, limit: 1, since: NOW + 4 }));
      expect(late.map(({ name }) => name).sort()).toEqual(['link-0', 'link-4']);
      expect(await store.verifyLedger()).toEqual({ entries: 0 });
    });

    it('keeps its chain whole when several connections write to one grant at once', async () => {
      const { store, openAnother } = current();
      const grant = sampleGrant({ redemptionsAllowed: 200 });
      await store.createGrant(grant);
      const stores = [store, await openAnother(), await openAnother()];
      await Promise.all(
        Array.from({ length: 150 }, (_, n) =>
          stores[n % 3]?.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW + n),
        ),
      );
      await Promise.all(stores.slice(1).map((another) => another.close()));
      expect(await store.verifyLedger()).toEqual({ entries: 150 });
    });

    it('keeps its chain whole where redemptions are refused in between', async () => {
      const { store } = current();
      const grant = sampleGrant({ redemptionsAllowed: 10 });
      await store.createGrant(grant);
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, n) =>
          store.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW + n, {
            ...(n % 3 === 0 && { repeatLimit: { count: 1, windowMs: MINUTE } }),
            ...(n % 2 === 0 && {
              signedCode: { jti: 'c', uses: 3, expirationTime: NOW + MINUTE, subject: null },
            }),
          }),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(10);
      expect(await store.verifyLedger()).toEqual({ entries: 10 });
    });

    it('deletes grants that ended long ago, and none that a file declares or that goes on', async () => {
      const { store } = current();
      const ended = [
        sampleGrant({ expirationTime: NOW - 2 }),
        sampleGrant({ revokedAt: NOW - 2, expirationTime: NOW + MINUTE }),
      ];
      const staying = [
        sampleGrant({ expirationTime: NOW }),
        sampleGrant({ expirationTime: null }),
        sampleGrant({ redemptionsAllowed: 1, redemptions: 1 }),
        sampleGrant({ expirationTime: NOW - 2, sourceFile: '/input/resources/AccessGrant-a.yaml' }),
      ];
      for (const grant of [...ended, ...staying]) await store.createGrant(grant);
      expect(await store.deleteEndedGrants(NOW - 1, NOW)).toBe(2);
      expect(await store.deleteEndedGrants(NOW - 1, NOW)).toBe(0);
      for (const { uid } of ended) expect(await store.findGrant(uid)).toBeUndefined();
      for (const { uid } of staying) expect(await store.findGrant(uid)).toBeDefined();
      const entries = await everyEntry(store, {});
      expect(entries.map(({ grantUid, kind }) => [grantUid, kind]).sort()).toEqual(
        ended.map(({ uid }) => [uid, 'deleted']).sort(),
      );
      expect(await store.verifyLedger()).toEqual({ entries: 2 });
    });

    it('removes the ledger of a deleted grant once its last certificate ended long ago, and leaves a whole one', async () => {
      const { store } = current();
      const DAYS = 24 * 60 * MINUTE;
      const [old, live, renewed, there] = Array.from({ length: 4 }, () =>
        sampleGrant({ redemptionsAllowed: 700 }),
      ) as [AccessGrant, AccessGrant, AccessGrant, AccessGrant];
      const redemptions: Redemption[] = [];
      for (const grant of [old, live, renewed, there]) {
        await store.createGrant(grant);
        const redemption = sampleRedemption(grant.uid, { notAfter: NOW + (grant === live ? 90 : 10) * DAYS });
        redemptions.push(redemption);
        await store.recordRedemption(grant.uid, redemption, NOW);
        await store.recordRefusal(refusal(grant.uid, 'grant_exhausted'), NOW);
        await store.revokeCode({ grantUid: grant.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW + 1);
      }
      // More than one step of the removal.
      await Promise.all(
        Array.from({ length: 600 }, () =>
          store.recordRedemption(old.uid, sampleRedemption(old.uid, { notAfter: NOW + 10 * DAYS }), NOW),
        ),
      );
      const [first, , third] = redemptions as [Redemption, Redemption, Redemption, Redemption];
      await store.recordRenewal(sampleRenewal(third.id, 1, { notAfter: NOW + 60 * DAYS }), NOW);
      await store.recordRenewal(sampleRenewal(first.id, 1, { notAfter: NOW + 10 * DAYS }), NOW);
      await store.revokeRedemption(first.id, NOW);
      for (const { uid } of [old, live, renewed]) await store.deleteGrant(uid);
      const sweep = async (endedBefore: number) => {
        while (await store.removeOldLedger(endedBefore))
          expect((await store.verifyLedger()).fault).toBeUndefined();
      };
      await sweep(NOW + 10 * DAYS);
      expect(await everyEntry(store, { grantUid: old.uid })).toHaveLength(605);
      await sweep(NOW + 11 * DAYS);
      const left = new Set((await everyEntry(store, {})).map(({ grantUid }) => grantUid));
      expect([...left].sort()).toEqual([live.uid, renewed.uid, there.uid].sort());
      expect(await everyItem((page) => store.listRedemptions({ ...page, grantUid: old.uid }))).toEqual([]);
      expect(await store.listRenewals(first.id)).toEqual([]);
      expect(await store.listAttempts(old.uid, 10)).toEqual([]);
      expect((await store.listCodes({ limit: 10, grantUid: old.uid })).items).toEqual([]);
      expect(await store.listAttempts(there.uid, 10)).toHaveLength(2);
      await sweep(NOW + 61 * DAYS);
      expect(await store.findRedemption(third.id)).toBeUndefined();
      await sweep(NOW + 1_000 * DAYS);
      expect(
        (await everyItem((page) => store.listRedemptions(page))).map(({ grantUid }) => grantUid),
      ).toEqual([there.uid]);
      expect(await store.verifyLedger()).toEqual({ entries: 2 });
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

import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import { SERVICE } from '../../../src/domain/actor.js';
import type { Redemption } from '../../../src/domain/redemption.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { everyItem } from '../../../src/redemption/ports/page.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import type { CurrentStore } from './store-conformance.js';
import { everyEntry, refusal } from './store-conformance-ledger.js';

/** The ledger of the SQL stores: every entry is in a chain of MACs until retention removes it. */
export function chainConformance(current: CurrentStore<DatabaseStore>): void {
  describe('the chain of the ledger', () => {
    it('counts no use for a replay, writes one entry a day, and counts the other replays of that day', async () => {
      const { store } = current();
      const grant = await storedGrant(store);
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

    it('records a renewal request with a superseded certificate, and counts the entries of all grants or of one grant', async () => {
      const { store } = current();
      const [first, second] = [await storedGrant(store), await storedGrant(store)];
      const redemption = sampleRedemption(first.uid);
      await store.recordRedemption(first.uid, redemption, NOW);
      await recordRenewalOf(store, sampleRenewal(redemption.id, 1), NOW + 1);
      await store.recordSuperseded(redemption, '198.51.100.1', NOW + 2);
      await store.revokeRedemption(redemption.id, NOW + 3);
      await store.revokeGrant(second.uid, NOW + 4);
      await store.recordRefusal(refusal(second.uid, 'grant_revoked'), NOW + 5);
      const entries = await everyEntry(store, { grantUid: first.uid });
      expect(entries.map(({ seq, kind }) => [seq, kind])).toEqual([
        [1, 'created'],
        [2, 'redeemed'],
        [3, 'renewed'],
        [4, 'superseded'],
        [5, 'revoked'],
      ]);
      expect(entries[3]).toMatchObject({
        redemptionId: redemption.id,
        at: NOW + 2,
        detail: { peer: '198.51.100.1' },
      });
      expect(await store.verifyLedger()).toEqual({ entries: 7 });
      expect(await store.verifyLedger(second.uid)).toEqual({ entries: 2 });
    });

    it('names the actor of each write in its entries, also if writes are concurrent, and none for a request of a client', async () => {
      const { store } = current();
      const grants = await Promise.all(Array.from({ length: 9 }, () => storedGrant(store)));
      const actors = ['oidc:ada', 'local:bob', undefined].map((actor) => actor && { actor, actorName: 'x' });
      const storeOf = (n: number) => {
        const actor = actors[n % 3];
        return actor ? store.actingAs({ actor: 'service' }).actingAs(actor) : store;
      };
      await Promise.all(
        grants.map(async ({ uid }, n) => {
          const redemption = sampleRedemption(uid);
          await Promise.all([
            storeOf(n).updateGrant(uid, { redemptionsAllowed: 5 }),
            store.recordRedemption(uid, redemption, NOW),
          ]);
          const code = { grantUid: uid, jti: 'j', uses: 1, expirationTime: NOW + MINUTE };
          await storeOf(n).revokeCode(code, NOW);
          await storeOf(n + 1).revokeGrant(uid, NOW, true);
          await storeOf(n).deleteGrant(uid);
        }),
      );
      for (const [n, { uid }] of grants.entries()) {
        const entries = await everyEntry(store, { grantUid: uid });
        const actorsOf = (kind: string) =>
          entries
            .filter((entry) => entry.kind === kind)
            .map(({ detail: { actor, actorName } }) => ({ actor, actorName }));
        const [own, other] = [actors[n % 3], actors[(n + 1) % 3]].map((actor) => [
          { actor: undefined, actorName: undefined, ...actor },
        ]);
        const noActor = [{ actor: undefined, actorName: undefined }];
        expect([actorsOf('created'), actorsOf('redeemed')]).toEqual([noActor, noActor]);
        for (const kind of ['changed', 'code_recorded', 'code_revoked', 'deleted'])
          expect(actorsOf(kind), kind).toEqual(own);
        for (const kind of ['revoked', 'grant_revoked']) expect(actorsOf(kind), kind).toEqual(other);
      }
      expect(await store.verifyLedger()).not.toHaveProperty('fault');
    });

    it('does not record a revocation again that another actor has recorded', async () => {
      const { store, openAnother } = current();
      const { uid } = await storedGrant(store);
      const redemption = sampleRedemption(uid);
      await store.recordRedemption(uid, redemption, NOW);
      const code = { grantUid: uid, jti: 'j', uses: 1, expirationTime: NOW + MINUTE };
      const another = await openAnother();
      const names = ['oidc:ada', 'local:bob', 'oidc:eve'];
      for (const opened of [store, another]) {
        await Promise.all(
          names.map(async (actor) => {
            const acting = opened.actingAs({ actor });
            const now = NOW + names.indexOf(actor);
            await Promise.all([acting.revokeCode(code, now), acting.revokeGrant(uid, now, true)]);
          }),
        );
      }
      const kinds = (await everyEntry(store, { grantUid: uid })).map(({ kind }) => kind);
      const revocations = ['code_revoked', 'grant_revoked', 'revoked'];
      expect(kinds.filter((kind) => revocations.includes(kind)).sort()).toEqual(revocations);
      expect(await store.verifyLedger()).not.toHaveProperty('fault');
    });

    it('has no fault after several connections wrote to one grant at once', async () => {
      const { store, openAnother } = current();
      const grant = await storedGrant(store, { redemptionsAllowed: 200 });
      const stores = [store, await openAnother(), await openAnother()];
      await Promise.all(
        Array.from({ length: 150 }, (_, n) =>
          stores[n % 3]?.recordRedemption(grant.uid, sampleRedemption(grant.uid), NOW + n),
        ),
      );
      expect(await store.verifyLedger()).toEqual({ entries: 151 });
    });

    it('has no fault after some of many concurrent redemptions were refused', async () => {
      const { store } = current();
      const grant = await storedGrant(store, { redemptionsAllowed: 10 });
      const outcomes = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const jti = n % 2 === 0 ? 'c' : null;
          return store.recordRedemption(grant.uid, sampleRedemption(grant.uid, { jti }), NOW + n, {
            ...(n % 3 === 0 && { repeatLimit: { count: 1, windowMs: MINUTE } }),
            ...(jti !== null && {
              signedCode: { jti, uses: 3, expirationTime: NOW + MINUTE, subject: null },
            }),
          });
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(10);
      expect(await store.verifyLedger()).toEqual({ entries: 12 });
    });

    it('has no fault after labels and notes were changed', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store, { labels: { a: '1' }, note: 'first' });
      const redemption = sampleRedemption(uid, { labels: { b: '2' }, note: 'first' });
      await store.recordRedemption(uid, redemption, NOW);
      const change = { labels: { a: null, c: '3' }, note: 'second' };
      await store.updateGrant(uid, change);
      await store.updateRedemption(redemption.id, change);
      expect(await store.verifyLedger()).toEqual({ entries: 2 });
    });

    it('deletes grants that expired or were revoked long ago, but no other grants and none that a file declares', async () => {
      const { store } = current();
      const revoked = sampleGrant({ expirationTime: NOW + MINUTE });
      const ended = [sampleGrant({ expirationTime: NOW - 2 }), revoked];
      const exhausted = sampleGrant({ redemptionsAllowed: 1 });
      const staying = [
        sampleGrant({ expirationTime: NOW }),
        sampleGrant({ expirationTime: null }),
        exhausted,
        sampleGrant({ expirationTime: NOW - 2, sourceFile: '/input/resources/AccessGrant-a.yaml' }),
      ];
      for (const grant of [...ended, ...staying]) await store.createGrant(grant, SAMPLE_CODE);
      await store.recordRedemption(exhausted.uid, sampleRedemption(exhausted.uid), NOW);
      await store.revokeGrant(revoked.uid, NOW - 2);
      expect(await store.actingAs(SERVICE).deleteEndedGrants(NOW - 1, NOW)).toBe(2);
      expect(await store.deleteEndedGrants(NOW - 1, NOW)).toBe(0);
      for (const { uid } of ended) expect(await store.findGrant(uid)).toBeUndefined();
      for (const { uid } of staying) expect(await store.findGrant(uid)).toBeDefined();
      const entries = await everyEntry(store, {});
      expect(entries.map(({ grantUid, kind }) => [grantUid, kind]).sort()).toEqual(
        [
          ...[...ended, ...staying].map(({ uid }) => [uid, 'created']),
          ...ended.map(({ uid }) => [uid, 'deleted']),
          [exhausted.uid, 'redeemed'],
          [revoked.uid, 'grant_revoked'],
        ].sort(),
      );
      const deletions = entries.filter(({ kind }) => kind === 'deleted');
      expect(deletions.map(({ detail }) => detail.actor)).toEqual(['service', 'service']);
      expect(await store.verifyLedger()).toEqual({ entries: 10 });
    });

    it('removes the ledger of a deleted grant long after its last certificate expired, and has no fault afterwards', async () => {
      const { store } = current();
      const DAYS = 24 * 60 * MINUTE;
      const [old, live, renewed, undeleted] = Array.from({ length: 4 }, () =>
        sampleGrant({ redemptionsAllowed: 700 }),
      ) as [AccessGrant, AccessGrant, AccessGrant, AccessGrant];
      const redemptions: Redemption[] = [];
      for (const grant of [old, live, renewed, undeleted]) {
        await store.createGrant(grant, SAMPLE_CODE);
        const redemption = sampleRedemption(grant.uid, { notAfter: NOW + (grant === live ? 90 : 10) * DAYS });
        redemptions.push(redemption);
        await store.recordRedemption(grant.uid, redemption, NOW);
        await store.recordRefusal(refusal(grant.uid, 'grant_exhausted'), NOW);
        await store.revokeCode({ grantUid: grant.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW + 1);
      }
      // So many entries that the removal needs several steps.
      await Promise.all(
        Array.from({ length: 600 }, () =>
          store.recordRedemption(old.uid, sampleRedemption(old.uid, { notAfter: NOW + 10 * DAYS }), NOW),
        ),
      );
      const [first, , third] = redemptions as [Redemption, Redemption, Redemption, Redemption];
      await recordRenewalOf(store, sampleRenewal(third.id, 1, { notAfter: NOW + 60 * DAYS }), NOW);
      await recordRenewalOf(store, sampleRenewal(first.id, 1, { notAfter: NOW + 10 * DAYS }), NOW);
      await store.revokeRedemption(first.id, NOW);
      for (const { uid } of [old, live, renewed]) await store.deleteGrant(uid);
      const sweep = async (endedBefore: number) => {
        while (await store.removeOldLedger(endedBefore))
          expect((await store.verifyLedger()).fault).toBeUndefined();
      };
      await sweep(NOW + 10 * DAYS);
      expect(await everyEntry(store, { grantUid: old.uid })).toHaveLength(607);
      await sweep(NOW + 11 * DAYS);
      const left = new Set((await everyEntry(store, {})).map(({ grantUid }) => grantUid));
      expect([...left].sort()).toEqual([live.uid, renewed.uid, undeleted.uid].sort());
      expect(await everyItem((page) => store.listRedemptions({ ...page, grantUid: old.uid }))).toEqual([]);
      expect(await store.listRenewals(first.id)).toEqual([]);
      expect(await store.listAttempts(old.uid, 10)).toEqual([]);
      expect((await store.listCodes({ limit: 10, grantUid: old.uid })).items).toEqual([]);
      expect(await store.listAttempts(undeleted.uid, 10)).toHaveLength(2);
      await sweep(NOW + 61 * DAYS);
      expect(await store.findRedemption(third.id)).toBeUndefined();
      await sweep(NOW + 1_000 * DAYS);
      expect(
        (await everyItem((page) => store.listRedemptions(page))).map(({ grantUid }) => grantUid),
      ).toEqual([undeleted.uid]);
      expect(await store.verifyLedger()).toEqual({ entries: 4 });
    });

    it('writes an entry for the 10th and the 100th equal refusal of a client, and for no other', async () => {
      const { store } = current();
      const { uid } = await storedGrant(store);
      for (let n = 1; n <= 100; n += 1) await store.recordRefusal(refusal(uid, 'grant_expired'), NOW + n);
      for (let n = 1; n <= 9; n += 1) await store.recordRefusal(refusal(uid, 'grant_expired', 'link-b'), NOW);
      const entries = (await everyEntry(store, {})).filter(({ kind }) => kind === 'repeatedly_refused');
      const client = { code: 'grant_expired', name: 'link-a', subject: 'site-a', peer: '192.0.2.7' };
      expect(entries.map(({ at, detail }) => [at - NOW, detail])).toEqual([
        [10, { ...client, count: 10 }],
        [100, { ...client, count: 100 }],
      ]);
      expect(await store.verifyLedger()).toEqual({ entries: 3 });
    });

    it('writes an entry when a grant, a code or a setting is created or changed, and none for an equal value', async () => {
      const { store } = current();
      const { uid, name } = await storedGrant(store, { expirationTime: null, readyAt: null });
      await store.initializeGrants(NOW);
      const changes = { redemptionsAllowed: 7, policy: { subjects: ['east'] } };
      for (let times = 0; times < 2; times += 1) expect(await store.updateGrant(uid, changes)).toBe(true);
      const code = { grantUid: uid, jti: 'j', uses: 2, expirationTime: NOW + MINUTE, subject: 'east' };
      const stored = { ...code, used: 0, issuedAt: NOW, revokedAt: null };
      for (let times = 0; times < 2; times += 1) await store.createCode(stored);
      await store.recordRedemption(uid, sampleRedemption(uid, { jti: 'j' }), NOW, { signedCode: code });
      for (const value of ['a', 'a', 'b']) await store.putSetting('service', value);
      await store.probe();
      await store.nextNumber('crl-number', 5);
      const entries = await everyEntry(store, {});
      expect(entries.map(({ grantUid, seq, kind }) => [grantUid, seq, kind])).toEqual([
        ['', 1, 'setting_changed'],
        ['', 2, 'setting_changed'],
        [uid, 1, 'created'],
        [uid, 2, 'changed'],
        [uid, 3, 'changed'],
        [uid, 4, 'code_recorded'],
        [uid, 5, 'redeemed'],
      ]);
      expect(entries[0]?.detail).toEqual({ setting: 'service' });
      expect(entries[2]?.detail).toEqual({ name, redemptionsAllowed: 1 });
      expect(entries[4]?.detail).toMatchObject({
        name,
        redemptionsAllowed: 7,
        expirationTime: NOW + 15 * MINUTE,
      });
      expect(entries[5]?.detail).toEqual({
        jti: 'j',
        uses: 2,
        expirationTime: NOW + MINUTE,
        subject: 'east',
      });
      expect(await store.verifyLedger()).toEqual({ entries: 7 });
      await store.deleteGrant(uid);
      expect(await store.verifyLedger()).toEqual({ entries: 8 });
    });
  });
}

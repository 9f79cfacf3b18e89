import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { kubernetesStore } from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  type RedemptionResource,
  slotName,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { Workplace } from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { serveCluster } from '../harness/served.js';
import { openStoreCluster } from '../harness/store-cluster.js';
import { throughProxy } from '../harness/through-proxy.js';

const DAYS = 24 * 60 * MINUTE;

const opened = releaseAfterFile(await openStoreCluster());
const { cluster, account, namespace, store, redeemed, resource, withNewStore } = opened;

describe('a Redemption that is deleted by hand', () => {
  const deleteByHand = async (grant: AccessGrant, slot = 0) => {
    const { metadata } = await resource(grant, slot);
    await cluster.admin.delete(REDEMPTIONS, metadata);
    expect(await cluster.admin.find(REDEMPTIONS, metadata)).toBeUndefined();
  };

  it('is not renewed or replayed any more', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 3 });
    const { id, replayKey } = await redeemed(grant);
    expect((await store.findReplay(grant.uid, replayKey))?.id).toBe(id);
    await deleteByHand(grant);
    expect(await store.findReplay(grant.uid, replayKey)).toBeUndefined();
    expect(await store.findRenewedRedemption(id)).toBeUndefined();
    expect(await recordRenewalOf(store, sampleRenewal(id, 1), NOW)).toEqual({ refused: 'renewal_refused' });
    const again = sampleRedemption(grant.uid, { namespace, replayKey });
    expect(await store.recordRedemption(grant.uid, again, NOW)).toBe('recorded');
    expect((await store.findReplay(grant.uid, replayKey))?.id).toBe(again.id);
  });

  it('frees at most its own use, and only for a process that has not cached the grant', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 3 });
    const others = [await redeemed(grant), await redeemed(grant), await redeemed(grant)];
    await deleteByHand(grant, 1);
    const metadata = { namespace, name: grant.name };
    const status = { redemptions: 3 };
    await cluster.admin.patch(ACCESS_GRANTS, metadata, { status }, { subresource: 'status' });
    await withNewStore(async (anew) => {
      const another = () => sampleRedemption(grant.uid, { namespace });
      // The store reads the Redemptions behind the free slot before it fills this slot.
      const replayed = { ...another(), replayKey: others[2]?.replayKey ?? '' };
      expect(await anew.recordRedemption(grant.uid, replayed, NOW)).toMatchObject({
        replayOf: { id: others[2]?.id },
      });
      expect(await anew.recordRedemption(grant.uid, another(), NOW)).toBe('recorded');
      expect(await anew.recordRedemption(grant.uid, another(), NOW)).toEqual({ refused: 'grant_exhausted' });
    });
    // A process that has cached the deleted Redemption refuses as well.
    const late = sampleRedemption(grant.uid, { namespace });
    expect(await store.recordRedemption(grant.uid, late, NOW)).toEqual({ refused: 'grant_exhausted' });
  });
});

describe('retention', () => {
  it('deletes the Redemptions and codes of a deleted grant after every certificate expired long ago', async () => {
    const place = await cluster.namespace();
    const gone = await storedGrant(store, { namespace: place, redemptionsAllowed: 2 });
    const there = await storedGrant(store, { namespace: place });
    const old = { notAfter: NOW + DAYS };
    const ids: string[] = [];
    for (const grant of [gone, gone, there]) ids.push((await redeemed(grant, old)).id);
    await store.revokeCode({ grantUid: gone.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW);
    await store.deleteGrant(gone.uid);
    const sweep = async (endedBefore: number) => {
      while (await store.removeOldLedger(endedBefore));
      const found = await Promise.all(ids.map((id) => store.findRedemption(id)));
      return found.map((redemption) => redemption !== undefined);
    };
    expect(await sweep(NOW + DAYS)).toEqual([true, true, true]);
    expect(await sweep(NOW + DAYS + 1)).toEqual([false, false, true]);
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toEqual([]);
    expect(await store.deleteEndedGrants(NOW + 99 * DAYS, NOW + 99 * DAYS)).toBe(0);
    expect(await store.findGrant(there.uid)).toBeDefined();
  });

  it('skips a ledger that cannot be removed, and reports the failure at the end', async () => {
    const place = await cluster.namespace();
    const grants: AccessGrant[] = [];
    for (let made = 0; made < 3; made += 1) {
      const grant = await storedGrant(store, { namespace: place });
      await redeemed(grant, { notAfter: NOW });
      await store.deleteGrant(grant.uid);
      grants.push(grant);
    }
    const [, stuck] = grants as [AccessGrant, AccessGrant];
    await throughProxy(account.kubeconfig, async (proxied, { decide }) => {
      const old = kubernetesStore(proxied, { serviceNamespace: LINKGRANT, clock: () => NOW });
      decide(({ method, path }) =>
        method === 'DELETE' && path.includes(stuck.uid) ? { status: 500 } : 'pass',
      );
      await expect(old.removeOldLedger(NOW + 1)).rejects.toMatchObject({ code: 'store_unavailable' });
      const { items } = await cluster.admin.listAll<RedemptionResource>(REDEMPTIONS, { namespace: place });
      expect(items.map(({ spec }) => spec.grantUid)).toEqual([stuck.uid]);
      decide(() => 'pass');
      expect(await old.removeOldLedger(NOW + 1)).toBe(false);
      expect(await cluster.admin.find(REDEMPTIONS, { namespace: place, name: slotName(stuck.uid, 0) })).toBe(
        undefined,
      );
    });
  });

  it('ends although a finalizer of a user blocks a Redemption, and ignores later certificates in another namespace', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const gone = await storedGrant(store, { namespace: place, redemptionsAllowed: 2 });
    for (let slot = 0; slot < 2; slot += 1) await redeemed(gone, { notAfter: NOW });
    const [kept, free] = [await resource(gone, 0), await resource(gone, 1)];
    const finalizers = [...(kept.metadata.finalizers ?? []), 'tenant.example.com/keep'];
    await cluster.admin.patch(REDEMPTIONS, kept.metadata, { metadata: { finalizers } });
    const { metadata, spec } = free;
    const later = { ...spec.certificate, notAfter: new Date(NOW + 9 * DAYS).toISOString() };
    await cluster.admin.create(REDEMPTIONS, {
      ...free,
      metadata: { name: metadata.name, namespace: other },
      spec: { ...spec, certificate: later },
    } as Resource);
    await store.deleteGrant(gone.uid);
    expect(await store.removeOldLedger(NOW + DAYS)).toBe(false);
    expect(await cluster.admin.find(REDEMPTIONS, free.metadata)).toBeUndefined();
    expect((await resource(gone, 0)).metadata.finalizers).toEqual(['tenant.example.com/keep']);
    await cluster.admin.patch(REDEMPTIONS, kept.metadata, { metadata: { finalizers: null } });
    await cluster.admin.delete(REDEMPTIONS, { namespace: other, name: metadata.name });
  });

  it('retains stored codes while the ledger of their namespace exists, even if a copy elsewhere has expired', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const gone = await storedGrant(store, { namespace: place });
    await redeemed(gone, { notAfter: NOW + 9 * DAYS });
    await store.revokeCode({ grantUid: gone.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW);
    await store.deleteGrant(gone.uid);
    const own = await resource(gone, 0);
    const ended = { ...own.spec.certificate, notAfter: new Date(NOW).toISOString() };
    await cluster.admin.create(REDEMPTIONS, {
      ...own,
      metadata: { name: own.metadata.name, namespace: other },
      spec: { ...own.spec, certificate: ended },
    } as Resource);
    expect(await store.removeOldLedger(NOW + DAYS)).toBe(false);
    expect(await cluster.admin.find(REDEMPTIONS, { ...own.metadata, namespace: other })).toBeUndefined();
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toMatchObject([{ jti: 'a' }]);
    expect(await store.removeOldLedger(NOW + 10 * DAYS)).toBe(false);
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toEqual([]);
  });

  it('deletes stored codes with the last ledger if two namespaces have an expired one', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const gone = await storedGrant(store, { namespace: place });
    await redeemed(gone, { notAfter: NOW });
    await store.revokeCode({ grantUid: gone.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW);
    await store.deleteGrant(gone.uid);
    const own = await resource(gone, 0);
    const metadata = { name: own.metadata.name, namespace: other };
    await cluster.admin.create(REDEMPTIONS, { ...own, metadata } as Resource);
    while (await store.removeOldLedger(NOW + 1));
    for (const key of [own.metadata, metadata])
      expect(await cluster.admin.find(REDEMPTIONS, key)).toBeUndefined();
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toEqual([]);
  });

  it('is applied by a service within a minute after its start', async () => {
    const place = await cluster.namespace();
    const gone = await storedGrant(store, { namespace: place });
    await redeemed(gone, { notAfter: Date.now() - 30 * DAYS });
    await store.deleteGrant(gone.uid);
    const workplace = releaseAfterTest(new Workplace());
    await serveCluster(workplace, account.kubeconfig, '--ledger-retention', '1h');
    const metadata = { namespace: place, name: slotName(gone.uid, 0) };
    const isDeleted = async () => (await cluster.admin.find(REDEMPTIONS, metadata)) === undefined;
    await retryUntil('the deletion', isDeleted, 120_000);
  }, 150_000);
});

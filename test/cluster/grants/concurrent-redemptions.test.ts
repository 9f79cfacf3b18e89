import { afterEach, describe, expect, it } from 'vitest';
import type { KubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import { kubernetesStore } from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { openStoreCluster } from '../harness/store-cluster.js';
import { throughProxy } from '../harness/through-proxy.js';

/** Called immediately before the next Redemption is written. */
let beforeCommit: (() => Promise<unknown>) | undefined;

const storeCluster = releaseAfterFile(await openStoreCluster(async () => beforeCommit?.()));
const { cluster, namespace, store, redeemed } = storeCluster;
afterEach(() => {
  beforeCommit = undefined;
});

describe('redemptions of one grant in one process', () => {
  it('create one Redemption at a time, and share the preceding read of the grant', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 10 });
    await throughProxy(storeCluster.account.kubeconfig, async (proxied, { requests }) => {
      let running = 0;
      let mostAtOnce = 0;
      const client: KubernetesClient = {
        ...proxied,
        async create(kind, created) {
          running += 1;
          mostAtOnce = Math.max(mostAtOnce, running);
          return proxied.create(kind, created).finally(() => {
            running -= 1;
          });
        },
      };
      const options = { serviceNamespace: LINKGRANT, clock: () => NOW, deadlineMs: 60_000 };
      const proxiedStore = kubernetesStore(client, options);
      const record = () =>
        proxiedStore.recordRedemption(grant.uid, sampleRedemption(grant.uid, { namespace }), NOW);
      expect(await Promise.all(Array.from({ length: 10 }, record))).toEqual(Array(10).fill('recorded'));
      expect(mostAtOnce).toBe(1);
      // One read before all creations, and at most one after each.
      const reads = requests.filter(({ path }) => path.endsWith(`/accessgrants/${grant.name}`));
      expect(reads.length).toBeLessThanOrEqual(11);
      await proxiedStore.close();
    });
  });

  it('are refused and not counted if they wait too long in the queue', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 10 });
    await throughProxy(storeCluster.account.kubeconfig, async (proxied, { decide }) => {
      const options = { serviceNamespace: LINKGRANT, clock: () => NOW, deadlineMs: 500 };
      const proxiedStore = kubernetesStore(proxied, options);
      const record = () =>
        proxiedStore.recordRedemption(grant.uid, sampleRedemption(grant.uid, { namespace }), NOW);
      decide(({ method }) => (method === 'POST' ? 'drop' : 'pass'));
      const outcomes = await Promise.allSettled(Array.from({ length: 3 }, record));
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
      decide(() => 'pass');
      // On a slow machine a call may exceed the deadline again. A repeated call records the same redemption, so it counts once.
      const later = sampleRedemption(grant.uid, { namespace });
      const recordLater = () => proxiedStore.recordRedemption(grant.uid, later, NOW);
      expect(await retryUntil('the redemption', recordLater)).toBe('recorded');
      const { items } = await store.listRedemptions({ limit: 10, grantUid: grant.uid });
      expect(items).toHaveLength(1);
      await proxiedStore.close();
    });
  });
});

describe('a grant', () => {
  it('issues no certificate if it is replaced during a redemption', async () => {
    const grant = await storedGrant(store, { namespace, name: 'replaced' });
    beforeCommit = async () => {
      beforeCommit = undefined;
      await cluster.admin.delete(ACCESS_GRANTS, { namespace, name: 'replaced' });
      await storedGrant(store, { namespace, name: 'replaced' });
    };
    const redemption = sampleRedemption(grant.uid, { namespace });
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toEqual({ refused: 'grant_unknown' });
    expect((await store.findRedemption(redemption.id))?.revokedAt).toBe(NOW);
  });

  it('leaves no valid link if it is revoked with all its links during a redemption', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 5 });
    await redeemed(grant);
    beforeCommit = () => store.revokeGrant(grant.uid, NOW, true);
    const redemption = sampleRedemption(grant.uid, { namespace });
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toEqual({ refused: 'grant_revoked' });
    const { items } = await store.listRedemptions({ limit: 10, grantUid: grant.uid });
    expect(items.map(({ revokedAt }) => revokedAt)).toEqual([NOW, NOW]);
  });

  it('leaves no valid link of a signed code that is revoked during the redemption', async () => {
    const grant = await storedGrant(store, { namespace });
    const code = { jti: 'a', uses: 1, expirationTime: NOW + MINUTE, subject: null };
    beforeCommit = () => store.revokeCode({ ...code, grantUid: grant.uid }, NOW);
    const redemption = sampleRedemption(grant.uid, { namespace, jti: code.jti });
    const outcome = await store.recordRedemption(grant.uid, redemption, NOW, { signedCode: code });
    expect(outcome).toEqual({ refused: 'code_revoked' });
    expect((await store.findRedemption(redemption.id))?.revokedAt).toBe(NOW);
  });
});

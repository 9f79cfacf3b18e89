import { expect } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import type { Redemption } from '../../../src/domain/redemption.js';
import { REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import {
  type KubernetesGrantStore,
  openKubernetesStore,
} from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  type RedemptionResource,
  slotName,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { NOW, sampleRedemption } from '../../support/store-samples.js';
import { LINKGRANT, type LinkgrantAccount } from './linkgrant-account.js';
import { storeAccount } from './store-account.js';
import { openTestCluster, type TestCluster } from './test-cluster.js';

/** A cluster and a store whose clock returns NOW. */
export interface StoreCluster {
  readonly cluster: TestCluster;
  readonly account: LinkgrantAccount;
  readonly namespace: string;
  readonly store: KubernetesGrantStore;
  /** Calls `ask` with a newly opened store, which has cached nothing. */
  withNewStore<T>(ask: (anew: KubernetesGrantStore) => Promise<T>): Promise<T>;
  /** Records a redemption of a grant. */
  redeemed(grant: AccessGrant, changes?: Parameters<typeof sampleRedemption>[1]): Promise<Redemption>;
  /** The Redemption in a slot of a grant. */
  resource(grant: AccessGrant, slot?: number): Promise<Stored<RedemptionResource>>;
  close(): Promise<void>;
}

/** Opens a StoreCluster. `beforeCommit` runs before each Redemption is written. A failed opening is rolled back. */
export async function openStoreCluster(
  beforeCommit: () => Promise<unknown> = async () => {},
): Promise<StoreCluster> {
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (const end of opened.splice(0).reverse()) await end();
  };
  try {
    const cluster = await openTestCluster();
    opened.push(() => cluster.close());
    const account = await storeAccount(cluster);
    const namespace = await cluster.namespace();
    const openStore = () =>
      openKubernetesStore({
        kubeconfig: [account.kubeconfig],
        serviceNamespace: LINKGRANT,
        clock: () => NOW,
        // With the default deadline, a slow machine would refuse some redemptions.
        deadlineMs: 60_000,
        async checkpoint(name) {
          if (name === 'before-commit') await beforeCommit();
        },
      });
    const store = await openStore();
    opened.push(() => store.close());
    return {
      cluster,
      account,
      namespace,
      store,
      async withNewStore(ask) {
        const anew = await openStore();
        try {
          return await ask(anew);
        } finally {
          await anew.close();
        }
      },
      async redeemed(grant, changes = {}) {
        const redemption = sampleRedemption(grant.uid, { namespace: grant.namespace, ...changes });
        expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
        return redemption;
      },
      resource: ({ uid, namespace: place }, slot = 0) =>
        cluster.admin.get(REDEMPTIONS, { namespace: place, name: slotName(uid, slot) }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

import { afterAll, beforeAll } from 'vitest';
import { CONFIG_MAPS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import { openKubernetesStore } from '../../src/platforms/kubernetes/store/kubernetes-store.js';
import { type StoreUnderTest, storeConformance } from '../contract/store-conformance.js';
import { outcomeConformance } from '../contract/store-conformance-outcomes.js';
import { NOW } from '../support/store-samples.js';
import { deleteAll, emptyCluster } from './harness/empty-cluster.js';
import { LINKGRANT, type LinkgrantAccount } from './harness/linkgrant-account.js';
import { storeAccount } from './harness/store-account.js';
import { openTestCluster, type TestCluster } from './harness/test-cluster.js';

let cluster: TestCluster;
let account: LinkgrantAccount;
beforeAll(async () => {
  cluster = await openTestCluster();
  account = await storeAccount(cluster);
  // Those of the suite's grants.
  for (const name of ['west', 'one', 'two', 'other']) await cluster.namespace(name);
});
afterAll(async () => {
  account?.remove();
  await cluster?.close();
});

async function openEmpty(): Promise<StoreUnderTest> {
  // What is counted here must not hang on how fast this machine is.
  const options = { kubeconfig: [account.kubeconfig], serviceNamespace: LINKGRANT, deadlineMs: 60_000 };
  const open = () => openKubernetesStore({ ...options, clock: () => NOW });
  const store = await open();
  return {
    store,
    opener: {
      module: new URL('../../dist/platforms/kubernetes/store/kubernetes-store.js', import.meta.url).href,
      exportName: 'openKubernetesStore',
      options,
    },
    openAnother: open,
    async close() {
      await store.close();
      await emptyCluster(cluster.admin);
      await deleteAll(cluster.admin, CONFIG_MAPS, LINKGRANT);
      await deleteAll(cluster.admin, SECRETS, LINKGRANT);
    },
  };
}

storeConformance(
  'A cluster',
  openEmpty,
  { rounds: 40, sameKeyGrants: 40, renewalsKept: 2 },
  outcomeConformance,
);

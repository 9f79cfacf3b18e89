import { afterAll, beforeAll } from 'vitest';
import { CONFIG_MAPS, SECRETS } from '../../src/platforms/kubernetes/kinds.js';
import { openKubernetesStore } from '../../src/platforms/kubernetes/store/kubernetes-store.js';
import { type StoreUnderTest, storeConformance } from '../contract/store-conformance.js';
import { outcomeConformance } from '../contract/store-conformance-outcomes.js';
import { NOW } from '../support/store-samples.js';
import { deleteAll, emptyCluster } from './harness/empty-cluster.js';
import { GRANTING_RULES, OWN_NAMESPACE_RULES, REDEEMING_RULES } from './harness/store-access.js';
import { openTestCluster, type ServiceAccount, type TestCluster } from './harness/test-cluster.js';

const SERVICE = 'linkgrant';

let cluster: TestCluster;
let account: ServiceAccount;
beforeAll(async () => {
  cluster = await openTestCluster();
  // Those of the suite's grants.
  for (const name of [SERVICE, 'west', 'one', 'two', 'other']) await cluster.namespace(name);
  account = await cluster.serviceAccount(SERVICE, [...REDEEMING_RULES, ...GRANTING_RULES]);
  await cluster.allow(account, OWN_NAMESPACE_RULES, SERVICE);
});
afterAll(async () => {
  await cluster?.close();
});

async function openEmpty(): Promise<StoreUnderTest> {
  const options = { kubeconfig: [account.kubeconfig], serviceNamespace: SERVICE };
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
      await deleteAll(cluster.admin, CONFIG_MAPS, SERVICE);
      await deleteAll(cluster.admin, SECRETS, SERVICE);
    },
  };
}

storeConformance(
  'A cluster',
  openEmpty,
  { rounds: 40, sameKeyGrants: 40, renewalsKept: 2 },
  outcomeConformance,
);

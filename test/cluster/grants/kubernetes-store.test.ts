import { CONFIG_MAPS, SECRETS } from '../../../src/platforms/kubernetes/api/kinds.js';
import { openKubernetesStore } from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import { type StoreUnderTest, storeConformance } from '../../contract/store-conformance/store-conformance.js';
import { releaseAfterFile } from '../../support/release.js';
import { NOW } from '../../support/store-samples.js';
import { deleteAll, deleteGrants } from '../harness/empty-cluster.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { storeAccount } from '../harness/store-account.js';
import { openTestCluster } from '../harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster());
const account = await storeAccount(cluster);
// The namespaces of the suite's grants.
for (const name of ['west', 'one', 'two', 'other']) await cluster.namespace(name);

async function openEmpty(): Promise<StoreUnderTest> {
  // With the default deadline, a slow machine would refuse some of the redemptions that the tests count.
  const options = { kubeconfig: [account.kubeconfig], serviceNamespace: LINKGRANT, deadlineMs: 60_000 };
  const open = () => openKubernetesStore({ ...options, clock: () => NOW });
  const store = await open();
  return {
    store,
    opener: {
      module: new URL('../../../dist/platforms/kubernetes/store/kubernetes-store.js', import.meta.url).href,
      exportName: 'openKubernetesStore',
      options,
    },
    openAnother: open,
    async close() {
      await store.close();
      await deleteGrants(cluster.admin);
      await deleteAll(cluster.admin, CONFIG_MAPS, LINKGRANT);
      await deleteAll(cluster.admin, SECRETS, LINKGRANT);
    },
  };
}

storeConformance('A cluster', openEmpty, { rounds: 40, sameKeyGrants: 40, renewalsRetained: 2 });

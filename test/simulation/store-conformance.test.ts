import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openKubernetesStore } from '../../src/platforms/kubernetes/store/kubernetes-store.js';
import { type StoreUnderTest, storeConformance } from '../contract/store-conformance/store-conformance.js';
import { directoryForTest } from '../support/release.js';
import { NOW } from '../support/store-samples.js';
import { LINKGRANT } from './replica.js';
import { serveApi } from './serve-api.js';
import { SimulatedApiServer } from './simulated-api-server.js';

async function openEmpty(): Promise<StoreUnderTest> {
  const api = new SimulatedApiServer({
    namespaces: ['default', 'west', 'one', 'two', 'other', LINKGRANT],
    clock: Date.now,
    newUid: randomUUID,
    pageSize: () => 1 + Math.floor(100 * Math.random()),
  });
  const served = await serveApi(api);
  const kubeconfig = join(directoryForTest(), 'kubeconfig');
  await writeFile(kubeconfig, served.kubeconfig);
  const options = { kubeconfig: [kubeconfig], serviceNamespace: LINKGRANT, deadlineMs: 60_000 };
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
      await served.close();
    },
  };
}

// The same suite runs on a real API server in test/cluster/grants/kubernetes-store.test.ts.
storeConformance('A simulated cluster', openEmpty, { rounds: 20, sameKeyGrants: 10, renewalsRetained: 2 });

import { register } from 'node:module';
import { join } from 'node:path';
import { startServe, temporaryDirectory } from './servers.mjs';

register('./typescript-hooks.mjs', import.meta.url);

const READY_MS = 60_000;

/**
 * Starts the API server of the tests with a site and the service account of linkgrant. `start` starts replicas of the service;
 * `tenant` creates another namespace with a site; `stop` ends everything.
 */
export async function openCluster() {
  const { openTestCluster } = await import('../test/cluster/harness/test-cluster.ts');
  const { linkgrantAccount } = await import('../test/cluster/harness/linkgrant-account.ts');
  const { putSite } = await import('../test/cluster/harness/cluster-sites.ts');
  const { directory, remove } = temporaryDirectory();
  const cluster = await openTestCluster();
  const account = await linkgrantAccount(cluster);
  const tenant = async (name) => {
    const created = await cluster.namespace(name);
    await putSite(cluster.admin, created);
    return created;
  };
  const namespace = await tenant('bench');
  return {
    admin: cluster.admin,
    kubeconfig: account.kubeconfig,
    namespace,
    tenant,
    start: (count) => startReplicas(count, { directory, kubeconfig: account.kubeconfig }),
    async stop() {
      await cluster.close();
      remove();
    },
  };
}

/** Starts replicas of the service. Resolves when all are ready. */
async function startReplicas(count, cluster) {
  const replicas = await Promise.all(
    Array.from({ length: count }, (_, number) => startReplica(number, cluster)),
  );
  return {
    ports: replicas.map(({ port }) => port),
    stop: () => Promise.all(replicas.map((replica) => replica.stop())),
  };
}

async function startReplica(number, { directory, kubeconfig }) {
  const words = [
    ...['--platform', 'kubernetes', '--kubeconfig', kubeconfig, '--service-namespace', 'linkgrant'],
    ...['--external-url', 'https://127.0.0.1:9090', '--ops-listen', '127.0.0.1:0'],
  ];
  const { retryUntil } = await import('../test/support/retry-until.ts');
  const replica = await startServe(words, join(directory, `serve-${number}.log`));
  const isReady = async () => (await fetch(`http://127.0.0.1:${replica.opsPort}/readyz`)).ok;
  try {
    await retryUntil('readiness', isReady, READY_MS);
    return replica;
  } catch (error) {
    await replica.stop();
    throw error;
  }
}

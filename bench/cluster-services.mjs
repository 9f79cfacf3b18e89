import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { bannerPorts, PROGRAM, plainEnvironment, temporaryDirectory } from './servers.mjs';

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
      account.remove();
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
  const log = openSync(join(directory, `serve-${number}.log`), 'a', 0o600);
  const child = spawn(
    process.execPath,
    [
      ...[PROGRAM, 'serve', '--platform', 'kubernetes', '--kubeconfig', kubeconfig],
      ...['--service-namespace', 'linkgrant', '--external-url', 'https://127.0.0.1:9090'],
      ...['--listen', '127.0.0.1:0', '--ops-listen', '127.0.0.1:0'],
    ],
    { stdio: ['ignore', 'pipe', log], env: plainEnvironment() },
  );
  closeSync(log);
  const exited = once(child, 'exit');
  let banner = '';
  child.stdout.on('data', (chunk) => {
    banner += chunk;
  });
  try {
    const { port } = await bannerPorts(child);
    await waitUntilReady(() => /metrics on port (\d+)/.exec(banner)?.[1]);
    return {
      port,
      async stop() {
        child.kill('SIGTERM');
        await exited;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

async function waitUntilReady(opsPort) {
  const { until } = await import('../test/cluster/harness/until.ts');
  await until('readiness', async () => (await fetch(`http://127.0.0.1:${opsPort()}/readyz`)).ok, READY_MS);
}

import type { Serving, Workplace } from '../../support/command-line.js';
import { readOperations } from '../../support/operations.js';
import { retryUntil } from '../../support/retry-until.js';
import { type ApiProxy, startApiProxy } from './api-proxy.js';
import { hasAddressFlag, serveCluster } from './served.js';

// The address of a load balancer for all replicas.
const GRANTS_URL = 'https://grants.example.com:9090';

/** The built service as a process of its own, and the proxy between it and the API server. */
export interface Replica {
  readonly serving: Serving;
  readonly proxy: ApiProxy;
}

/** Several replicas of one service. */
export interface Replicas {
  readonly all: readonly Replica[];
  /** How many requests they sent to the API server so far. */
  requests(): number;
  /** Ends the processes, and then their proxies. */
  close(): Promise<void>;
}

/** Starts `count` replicas, and resolves once all are ready. */
export async function startReplicas(
  workplace: Workplace,
  kubeconfig: string,
  count: number,
  ...words: readonly string[]
): Promise<Replicas> {
  const start = async (): Promise<Replica> => {
    const proxy = await startApiProxy(kubeconfig);
    const address = hasAddressFlag(words) ? [] : ['--external-url', GRANTS_URL];
    const serving = await serveCluster(workplace, proxy.kubeconfig, ...address, ...words);
    await retryUntil('readiness', async () => (await readyz(serving)) === 200);
    return { serving, proxy };
  };
  const all = await Promise.all(Array.from({ length: count }, start));
  return {
    all,
    requests: () => all.reduce((sum, { proxy }) => sum + proxy.requests.length, 0),
    async close() {
      await Promise.all(all.map(({ serving }) => serving.stop()));
      await Promise.all(all.map(({ proxy }) => proxy.close()));
    },
  };
}

/** The HTTP status of `/readyz` of a service. */
export async function readyz(service: Pick<Serving, 'opsPort'>): Promise<number> {
  return (await readOperations(service, '/readyz')).status;
}

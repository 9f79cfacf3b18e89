import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KubernetesClient, openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { type ApiProxy, startApiProxy } from './api-proxy.js';
import { kubeconfigThrough } from './kubeconfig.js';

/** Calls `use` with a client of a kubeconfig that connects through a proxy, which records requests and can break them. */
export async function throughProxy(
  kubeconfig: string,
  use: (proxied: KubernetesClient, proxy: ApiProxy) => Promise<void>,
  options: { readonly answerMs?: number } = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'linkgrant-proxied-'));
  const proxy = await startApiProxy(kubeconfig);
  const file = join(directory, 'kubeconfig');
  writeFileSync(file, kubeconfigThrough(kubeconfig, proxy.url), { mode: 0o600 });
  const proxied = await openKubernetesClient({ kubeconfig: [file], ...options });
  try {
    await use(proxied, proxy);
  } finally {
    proxied.close();
    await proxy.close();
    await rm(directory, { recursive: true });
  }
}

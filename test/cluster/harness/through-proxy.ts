import { type KubernetesClient, openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { type ApiProxy, startApiProxy } from './api-proxy.js';

/** Calls `use` with a client of a kubeconfig that connects through a proxy, which records requests and can break them. */
export async function throughProxy(
  kubeconfig: string,
  use: (proxied: KubernetesClient, proxy: ApiProxy) => Promise<void>,
  options: { readonly responseTimeoutMs?: number } = {},
): Promise<void> {
  const proxy = await startApiProxy(kubeconfig);
  const proxied = await openKubernetesClient({ kubeconfig: [proxy.kubeconfig], ...options });
  try {
    await use(proxied, proxy);
  } finally {
    proxied.close();
    await proxy.close();
  }
}

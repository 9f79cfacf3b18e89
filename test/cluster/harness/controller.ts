import { setTimeout as sleep } from 'node:timers/promises';
import { openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import { GrantController } from '../../../src/platforms/kubernetes/grants/grant-controller.js';
import { type ApiProxy, startApiProxy } from './api-proxy.js';
import { LINKGRANT } from './linkgrant-account.js';

/** The URL and the CA that the controller writes into the status of grants. */
export const SERVICE_ENDPOINT = { url: 'https://grants.example.com:9090/in', ca: 'the CA of the tests\n' };

/** A controller of grants on a client of its own, behind a proxy that records requests and can break them. */
export interface RunningController {
  readonly controller: GrantController;
  readonly proxy: ApiProxy;
  /** Each grant whose status was left to another controller, with the URL that the other one wrote. */
  readonly takeovers: readonly string[];
  /** The requests that wrote an AccessGrant, oldest first. */
  writes(): string[];
  stop(): Promise<void>;
}

export async function startController(kubeconfig: string): Promise<RunningController> {
  const proxy = await startApiProxy(kubeconfig);
  const client = await openKubernetesClient({ kubeconfig: [proxy.kubeconfig] });
  const takeovers: string[] = [];
  const controller = new GrantController({
    client,
    namespace: undefined,
    ownNamespace: LINKGRANT,
    identity: 'the-controller',
    serviceEndpoint: () => SERVICE_ENDPOINT,
    clock: Date.now,
    wait: (ms, signal) => sleep(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {}),
    onTakeover: (key, url) => takeovers.push(`${key} ${url}`),
    onLeadingChange: () => {},
    onFailure: () => {},
  });
  controller.start();
  return {
    controller,
    proxy,
    takeovers,
    writes: () =>
      proxy.requests
        .filter(({ method, path }) => method !== 'GET' && path.includes('/accessgrants'))
        .map(({ method, path }) => `${method} ${path}`),
    async stop() {
      await controller.stop();
      client.close();
      await proxy.close();
    },
  };
}

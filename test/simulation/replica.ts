import { setTimeout as sleep } from 'node:timers/promises';
import { kubernetesClient } from '../../src/platforms/kubernetes/api/client.js';
import { GrantController } from '../../src/platforms/kubernetes/grants/grant-controller.js';
import {
  type KubernetesGrantStore,
  kubernetesStore,
} from '../../src/platforms/kubernetes/store/kubernetes-store.js';
import type { SimulatedNetwork } from './simulated-network.js';
import { crashOf, type Replica, type StoreProcess } from './simulated-system.js';
import type { SimulatedTime } from './simulated-time.js';

/** The namespace of the service. */
export const LINKGRANT = 'linkgrant';

/** The store and the controller, connected as `src/compose/kubernetes` connects them. */
export interface ClusterReplica extends Replica {
  readonly store: KubernetesGrantStore;
  readonly controller: GrantController;
}

/** Opens the store of the commands of an operator, as `src/compose/kubernetes` opens it. */
export function openCommandLine(network: SimulatedNetwork, { clock }: SimulatedTime): StoreProcess {
  const name = 'command line';
  const client = kubernetesClient(network.connect(name));
  const store = kubernetesStore(client, { serviceNamespace: LINKGRANT, clock, isService: false });
  return { name, store, crashed: new Promise<never>(() => {}) };
}

export function startReplica(name: string, network: SimulatedNetwork, time: SimulatedTime): ClusterReplica {
  const transport = network.connect(name);
  const client = kubernetesClient(transport);
  const { clock } = time;
  const controller: GrantController = new GrantController({
    client,
    namespace: undefined,
    ownNamespace: LINKGRANT,
    identity: `${name} since ${time.now}`,
    serviceEndpoint: () => ({ url: 'https://linkgrant.example', ca: 'the CA' }),
    clock,
    redemptionObserver: () => store.redemptionObserver,
    wait: (ms, signal) => sleep(ms, undefined, { ...(signal && { signal }) }).catch(() => {}),
    onTakeover: () => {},
    onLeadingChange: () => {},
    onFailure: () => {},
  });
  const store: KubernetesGrantStore = kubernetesStore(client, {
    serviceNamespace: LINKGRANT,
    clock,
    indexes: {
      locator: controller.grants,
      redemptions: controller.redemptions,
      watch: controller.storeWatch(),
    },
  });
  controller.start();
  const { crashed, crash } = crashOf(name);
  return {
    name,
    store,
    controller,
    crashed,
    crash() {
      transport.crash();
      crash();
    },
  };
}

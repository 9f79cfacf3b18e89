import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../config/setting-schemas.js';
import { actorOf } from '../../domain/actor.js';
import { userName } from '../../files/system-user.js';
import { clusterAdministration } from '../../platforms/kubernetes/administration/cluster-administration.js';
import {
  type ClusterInspector,
  clusterInspector,
  type InspectedGrant,
  type InspectedToken,
} from '../../platforms/kubernetes/administration/cluster-inspector.js';
import { liveSite } from '../../platforms/kubernetes/administration/live-site.js';
import { findServiceNamespace } from '../../platforms/kubernetes/administration/service-lease.js';
import { type Leftover, uninstallation } from '../../platforms/kubernetes/administration/uninstallation.js';
import { toUserError, withUserErrors } from '../../platforms/kubernetes/administration/user-errors.js';
import { openKubernetesClient } from '../../platforms/kubernetes/api/client.js';
import { CodeKeySecret } from '../../platforms/kubernetes/identity/code-key-secret.js';
import { listConnectedPeers } from '../../platforms/kubernetes/sites/site-network.js';
import { kubernetesStore } from '../../platforms/kubernetes/store/kubernetes-store.js';
import { CachedConnections } from '../../redemption/administration/cached-connections.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { GrantStore } from '../../redemption/ports/grant-store.js';
import { previewStore } from '../../stores/preview-store.js';

export type { ClusterInspector, InspectedGrant, InspectedToken, Leftover };

/** The opened administration of a cluster's grants. */
export type OpenClusterAdministration = Awaited<ReturnType<typeof openClusterAdministration>>;

/** Options of {@link openClusterAdministration}. */
export interface ClusterAdministrationContext {
  readonly clock: Clock;
  /** True for all namespaces of the cluster. */
  readonly allNamespaces: boolean;
  /** True if the operations on grants, tokens and redemptions change nothing. */
  readonly dryRun?: boolean;
  /** How long to wait until a new grant is Ready, in milliseconds. */
  readonly timeoutMs: number;
  /** Resolves at SIGTERM or SIGINT, which the caller then handles itself. */
  readonly shutdownSignal: () => Promise<void>;
}

/** Opens the administration of the grants of a cluster, with the rights of the kubeconfig. Rejects with ClusterConfigError. */
export async function openClusterAdministration(
  settings: Pick<Settings, 'kubeconfig' | 'context' | 'namespace' | 'serviceNamespace'>,
  { clock, allNamespaces, dryRun = false, timeoutMs, shutdownSignal }: ClusterAdministrationContext,
) {
  const { kubeconfig, context } = settings;
  const client = await openKubernetesClient({ kubeconfig, context });
  const defaultNamespace = client.namespace ?? 'default';
  const namespace = settings.namespace ?? defaultNamespace;
  const served = allNamespaces ? undefined : namespace;
  try {
    const serviceNamespace =
      settings.serviceNamespace ?? (await findServiceNamespace(client, namespace, clock()));
    const stored: GrantStore = kubernetesStore(client, {
      serviceNamespace,
      namespace: served,
      clock,
      isService: false,
    });
    const store = dryRun ? previewStore(stored) : stored;
    const { actingAs, ...operations } = store;
    const patience = {
      timeoutMs,
      shutdownSignal,
      wait: (ms: number, stop: AbortSignal) => sleep(ms, undefined, { signal: stop }).catch(() => undefined),
      monotonicMs: () => performance.now(),
    };
    const connections = new CachedConnections((signal) => listConnectedPeers(client, served, signal), clock);
    const administration = clusterAdministration({
      connections,
      client,
      store,
      actor: actorOf('local', userName()),
      clock,
      patience,
      serviceNamespace,
      namespace: defaultNamespace,
      dryRun,
      served,
      codeKeys: new CodeKeySecret({ client, namespace: serviceNamespace, clock, mayCreate: false }),
    });
    return {
      administration,
      /** Reads which sites are connected; the source is the status of the Sites that the user may list. */
      connections,
      store: { ...withUserErrors(operations), actingAs },
      /** The sites that accept links, as far as the user may read them. */
      site: withUserErrors(liveSite(client, clock)),
      inspector: clusterInspector(client, { namespace, serviceNamespace, clock }),
      /** Finds and removes the resources of the service in its own namespace; with `withCrd` also the CRD. */
      uninstallation: ({ withCrd }: { readonly withCrd: boolean }) =>
        uninstallation(client, { namespace: served, serviceNamespace, withCrd, clock }),
      /** The selected namespace. */
      namespace,
      async close() {
        await store.close();
        client.close();
      },
    };
  } catch (error) {
    client.close();
    throw toUserError(error);
  }
}

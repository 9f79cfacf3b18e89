import { readAnswer } from '../../client/answer-reader.js';
import { createRenewalClient } from '../../client/https-renewal-client.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { isApiError } from '../../platforms/kubernetes/api/api-error.js';
import { openKubernetesClient } from '../../platforms/kubernetes/api/client.js';
import {
  clusterLinkRecords,
  clusterLinks,
  type LinkStatus,
  placedClusterLinks,
  readLinkResources,
  readLinkStatus,
} from '../../platforms/kubernetes/requesting/cluster-links.js';
import { clusterMaterializer } from '../../platforms/kubernetes/requesting/cluster-materializer.js';
import {
  type NamespaceTarget,
  withClusterErrors,
} from '../../platforms/kubernetes/requesting/namespace-target.js';
import { renewalSecrets } from '../../platforms/kubernetes/requesting/pending-renewal-secret.js';
import { pendingSecrets } from '../../platforms/kubernetes/requesting/pending-secret.js';
import { findPlacedSecret } from '../../platforms/kubernetes/requesting/placed-secret.js';
import { requestSecrets } from '../../platforms/kubernetes/requesting/request-secret.js';
import { findOwnerSite, ownerReference } from '../../platforms/kubernetes/requesting/site-owner.js';
import { listConnectedPeers } from '../../platforms/kubernetes/sites/site-network.js';
import type { SiteFacts } from '../../platforms/kubernetes/sites/site-resource.js';
import { listRedemptionsOf } from '../../platforms/kubernetes/store/stored-redemptions.js';
import { CachedConnections } from '../../redemption/administration/cached-connections.js';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import type { ListedRedemption } from '../../redemption/ports/grant-store.js';
import type { LinkProxy } from '../../redemption/ports/link-files.js';
import { pendingRedemptionId } from '../../redemption/requesting/redeem-token.js';
import { type LinkLocation, redemptionsWith, type ServiceConnectionOptions } from '../token-redemption.js';

export type { LinkStatus };

/** Opens the requesting side of a site in a cluster, with its state in the Site's namespace. Rejects with ClusterConfigError. */
export async function openRequestingCluster(
  settings: Pick<Settings, 'kubeconfig' | 'context' | 'namespace'>,
  options: ServiceConnectionOptions & { readonly checkpoint: Checkpoint },
) {
  const { kubeconfig, context } = settings;
  const client = await openKubernetesClient({ kubeconfig, context });
  const namespace = settings.namespace ?? client.namespace ?? 'default';
  const { clock, checkpoint } = options;
  let cachedSite: SiteFacts | undefined;
  const findSite = async () => {
    cachedSite ??= await findOwnerSite(client, namespace);
    return cachedSite;
  };
  const target: NamespaceTarget = {
    client,
    namespace,
    owner: async () => ownerReference(await findSite(), namespace),
  };
  const linkRequests = requestSecrets(target);
  return {
    namespace,
    /** The Site of these links, if there is one. */
    findSite,
    /** The uid of the Site, once it has been read. */
    uid: () => cachedSite?.uid,
    links: clusterLinks(target),
    records: clusterLinkRecords(target),
    /** The state that Skupper's controller reports of each Link, by name. */
    linkStatuses: (): Promise<ReadonlyMap<string, LinkStatus>> =>
      withClusterErrors(async () => {
        const all = await readLinkResources(
          target,
          ({ link, resource }) => [link.name, readLinkStatus(resource)] as const,
        );
        return new Map(all);
      }),
    /**
     * Lists the redemptions of links to this Site. Returns `forbidden` without the permission to list them, and `no-kind` if
     * the cluster has no CRD of Redemptions.
     */
    listIncoming: (): Promise<readonly ListedRedemption[] | 'forbidden' | 'no-kind'> =>
      withClusterErrors(async () => {
        try {
          return await listRedemptionsOf(client, namespace);
        } catch (error) {
          if (isApiError(error, 'forbidden')) return 'forbidden';
          if (isApiError(error, 'no_such_kind')) return 'no-kind';
          throw error;
        }
      }),
    /** Reads which sites are connected to the Sites of the namespace. */
    connections: new CachedConnections((signal) => listConnectedPeers(client, namespace, signal), clock),
    linkRequests,
    ...redemptionsWith({ openPending: pendingSecrets(target, clock), linkRequests }, options),
    /** Name of the Secret of a token's link; undefined until the link is materialized completely. */
    findSecretName: async (token: RedeemableToken) => {
      const placed = await withClusterErrors(() =>
        findPlacedSecret(client, namespace, pendingRedemptionId(token)),
      );
      return placed?.answer === undefined ? undefined : placed.name;
    },
    /**
     * The links of the namespace. No `reload`, because the controller watches the resources. No `records`: a label on the
     * Secret of a link identifies its token, and the status of the Link shows whether it works.
     */
    openLocation: (proxy?: LinkProxy): LinkLocation => ({
      materializer: clusterMaterializer(target, clock, proxy),
      links: () => placedClusterLinks(target, clock()),
    }),
    /** Dependencies of renewing these links. */
    renewing: {
      client: createRenewalClient(options),
      readAnswer,
      openRenewal: renewalSecrets(target),
      clock,
      checkpoint,
    },
  };
}

/** The requesting side of a site in a cluster. */
export type RequestingCluster = Awaited<ReturnType<typeof openRequestingCluster>>;

import { isResourceName } from '../../../domain/names.js';
import { asMapping, asMappings } from '../../../files/yaml-documents.js';
import type { ConnectedPeer } from '../../../redemption/ports/connections.js';
import type { KubernetesClient } from '../api/client.js';
import { SITES } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource, Stored } from '../api/resource.js';

// An index retains the peers of each Site of the cluster. A Site of 1.5 MiB, the limit of etcd, has space for some 4,000 usual peers.
const MAX_PEERS = 5_000;

/**
 * The peers that are connected to the Sites of a namespace, or of all; undefined if no Site reports its network. Rejects with
 * ApiError.
 */
export async function listConnectedPeers(
  client: Pick<KubernetesClient, 'list'>,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<ConnectedPeer[] | undefined> {
  const { items } = await readListing(client, { kind: SITES, namespace }, readPeers, signal);
  return joinPeers(items);
}

/** The peers of several Sites; undefined if no Site reports its network. */
export function joinPeers(
  sites: readonly (readonly ConnectedPeer[] | undefined)[],
): ConnectedPeer[] | undefined {
  const reporting = sites.filter((peers) => peers !== undefined);
  return reporting.length === 0 ? undefined : reporting.flat();
}

/**
 * The peers of a Site, from `status.network`, where Skupper's controller writes each site of the network with its outgoing links.
 * Undefined if the Site has no such status, or more than 5,000 peers. Ignores invalid fields; never throws.
 */
export function readPeers(site: Stored<Resource>): ConnectedPeer[] | undefined {
  const { uid } = site.metadata;
  const { network } = asMapping(site.status);
  if (network === undefined) return undefined;
  const peers = asMappings(network).flatMap((record) => {
    const { name, links } = record;
    const id = nameIn(record.id);
    if (id === '' || id === uid) return [];
    return asMappings(links)
      .filter((link) => link.remoteSiteId === uid && link.operational === true)
      .map((link) => ({
        siteId: id,
        siteName: nameIn(name),
        linkName: nameIn(link.name),
        acceptingSite: uid,
      }));
  });
  return peers.length > MAX_PEERS ? undefined : peers;
}

/** The value if it is a resource name, else empty. */
function nameIn(value: unknown): string {
  return typeof value === 'string' && isResourceName(value) ? value : '';
}

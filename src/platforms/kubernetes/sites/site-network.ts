import { asMapping, asMappings } from '../../../files/yaml-documents.js';
import type { ConnectedPeer } from '../../../redemption/ports/connections.js';
import type { KubernetesClient } from '../api/client.js';
import { SITES } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource, Stored } from '../api/resource.js';

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
 * Undefined without that. Ignores invalid fields; never throws.
 */
export function readPeers(site: Stored<Resource>): ConnectedPeer[] | undefined {
  const { uid } = site.metadata;
  const { network } = asMapping(site.status);
  if (network === undefined) return undefined;
  return asMappings(network).flatMap((record) => {
    const { id, name, links } = record;
    if (typeof id !== 'string' || id === uid) return [];
    return asMappings(links)
      .filter((link) => link.remoteSiteId === uid && link.operational === true)
      .map((link) => ({
        siteId: id,
        siteName: typeof name === 'string' ? name : '',
        linkName: typeof link.name === 'string' ? link.name : '',
        acceptingSite: uid,
      }));
  });
}

import type { ConnectedPeer, ObservedConnections } from '../ports/connections.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuedLink } from '../ports/link-store.js';
import { pagesOf } from '../ports/page.js';

type Identity = Pick<IssuedLink, 'subject' | 'name' | 'siteUid'>;

/** The connected peers, indexed by id and name of the site, and by name of the link. */
export class PeerIndex {
  readonly #peers: readonly ConnectedPeer[] | undefined;
  readonly #bySite = new Map<string, ConnectedPeer[]>();
  readonly #byLink = new Map<string, ConnectedPeer[]>();

  /** `observed` is undefined if no source reports connections. */
  constructor(observed: Pick<ObservedConnections, 'peers'> | undefined) {
    this.#peers = observed?.peers;
    for (const peer of this.#peers ?? []) {
      for (const site of new Set([peer.siteId, peer.siteName])) add(this.#bySite, site, peer);
      add(this.#byLink, peer.linkName, peer);
    }
  }

  /**
   * Returns the connected peers of a link. The subject of its certificate is the id of its site on Kubernetes, and the name of
   * its site on other platforms; without a site, it is the name of the link.
   */
  peersOf({ subject, name, siteUid }: Identity): readonly ConnectedPeer[] {
    const found = this.#bySite.get(subject) ?? (subject === name ? this.#byLink.get(name) : undefined) ?? [];
    return found.filter(({ acceptingSite }) => siteUid === null || acceptingSite === siteUid);
  }

  /** True if the site of a link is connected; null if that is not known. */
  isConnected(link: Identity): boolean | null {
    return this.#peers === undefined ? null : this.peersOf(link).length > 0;
  }
}

function add(index: Map<string, ConnectedPeer[]>, key: string, peer: ConnectedPeer): void {
  const peers = index.get(key) ?? [];
  peers.push(peer);
  index.set(key, peers);
}

/** The links of a store compared with the connected peers. */
export interface ConnectionSummary {
  /** Number of connected peers that have a link that is not revoked; null if it is not known. */
  readonly connected: number | null;
  /** Revoked links whose site is connected and has no link that is not revoked; at most one for each connected peer. */
  readonly revoked: readonly IssuedLink[];
  /** Connected peers that have no link in the store, although their accepting site has links in the store. */
  readonly unknownPeers: readonly ConnectedPeer[];
}

/** Compares all links of a store with the connected peers. */
export async function summarizeConnections(
  store: Pick<GrantStore, 'listLinks'>,
  observed: ObservedConnections,
): Promise<ConnectionSummary> {
  if (observed.peers === undefined) return { connected: null, revoked: [], unknownPeers: [] };
  const index = new PeerIndex(observed);
  const live = new Set<ConnectedPeer>();
  const revoked = new Map<ConnectedPeer, IssuedLink>();
  const ownSites = new Set<string>();
  // Process each link in the filter, and select none, so that they are not all in memory at once.
  const addLink = (link: IssuedLink) => {
    if (link.siteUid !== null) ownSites.add(link.siteUid);
    const peers = index.peersOf(link);
    for (const peer of peers) {
      ownSites.add(peer.acceptingSite);
      if (link.revokedAt === null) live.add(peer);
      else revoked.set(peer, link);
    }
    return false;
  };
  for await (const _ of pagesOf((page) => store.listLinks({ ...page, limit: 1 }, addLink)));
  const others = observed.peers.filter((peer) => !live.has(peer));
  return {
    connected: live.size,
    revoked: [...new Set(others.flatMap((peer) => revoked.get(peer) ?? []))],
    unknownPeers: others.filter((peer) => !revoked.has(peer) && ownSites.has(peer.acceptingSite)),
  };
}

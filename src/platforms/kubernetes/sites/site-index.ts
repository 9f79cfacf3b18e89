import type { ConnectedPeer } from '../../../redemption/ports/connections.js';
import { joinPeers } from './site-network.js';
import { compareSites, type RouterAccessFacts, type SiteFacts } from './site-resource.js';
import { SortedObjects } from './sorted-objects.js';

// A site has one or a few. Each redemption searches them for each endpoint of the site.
const MAX_ROUTER_ACCESSES = 64;

/** The Sites and RouterAccesses of each namespace, from watches. */
export class SiteIndex {
  readonly sites: SortedObjects<SiteFacts>;
  readonly routerAccesses: SortedObjects<RouterAccessFacts>;

  /** `onChange` is called with a namespace in which a fact has changed on which links depend. */
  constructor(onChange: (namespace: string) => void) {
    // Skupper changes the peers of a Site whenever its network changes.
    const withoutPeers = (site: SiteFacts) => ({ ...site, peers: undefined });
    this.sites = new SortedObjects(compareSites, onChange, withoutPeers);
    this.routerAccesses = new SortedObjects((a, b) => (a.name < b.name ? -1 : 1), onChange);
  }

  /** The site of a namespace: its first Site in the order of {@link compareSites}; undefined if there is none. */
  siteOf(namespace: string): SiteFacts | undefined {
    return this.sites.in(namespace)[0];
  }

  /** The peers that are connected to any site; undefined if no Site reports its network. */
  peers(): ConnectedPeer[] | undefined {
    return joinPeers(Array.from(this.sites.all(), ({ peers }) => peers));
  }

  /** The first 64 RouterAccesses of a namespace by name. */
  routerAccessesOf(namespace: string): readonly RouterAccessFacts[] {
    return this.routerAccesses.in(namespace).slice(0, MAX_ROUTER_ACCESSES);
  }
}

import type { ConnectedPeer } from '../../../redemption/ports/connections.js';
import type { ObjectSink } from '../controller/informer.js';
import { joinPeers } from './site-network.js';
import { preferredSite, type RouterAccessFacts, type SiteFacts } from './site-resource.js';

type Facts = SiteFacts | RouterAccessFacts;

/** The Sites and RouterAccesses of each namespace, from watches. */
export class SiteIndex {
  readonly #byNamespace = new Map<string, Map<string, Facts>>();
  readonly #onChange: (namespace: string) => void;

  /** `onChange` is called with a namespace that may have changed. */
  constructor(onChange: (namespace: string) => void) {
    this.#onChange = onChange;
  }

  /** The site of a namespace; undefined if there is none. */
  siteOf(namespace: string): SiteFacts | undefined {
    return preferredSite(this.#factsOf(namespace).filter((facts) => facts.kind === 'Site'));
  }

  /** The peers that are connected to any site; undefined if no Site reports its network. */
  peers(): ConnectedPeer[] | undefined {
    return joinPeers(this.#all().map((facts) => (facts.kind === 'Site' ? facts.peers : undefined)));
  }

  /** The RouterAccesses of a namespace, sorted by name. */
  routerAccessesOf(namespace: string): readonly RouterAccessFacts[] {
    return this.#factsOf(namespace)
      .filter((facts) => facts.kind === 'RouterAccess')
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  sinkOf(kind: Facts['kind']): ObjectSink<Facts> {
    return {
      replace: (objects) => {
        const before = this.#all().filter((facts) => facts.kind === kind);
        for (const facts of before) this.#remove(facts);
        for (const facts of objects) this.#put(facts);
        const namespaces = new Set([...before, ...objects].map(({ namespace }) => namespace));
        for (const namespace of namespaces) this.#onChange(namespace);
      },
      put: (facts) => {
        this.#put(facts);
        this.#onChange(facts.namespace);
      },
      remove: (facts) => {
        this.#remove(facts);
        this.#onChange(facts.namespace);
      },
    };
  }

  #all(): Facts[] {
    return [...this.#byNamespace.values()].flatMap((facts) => [...facts.values()]);
  }

  #factsOf(namespace: string): Facts[] {
    return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
  }

  #put(facts: Facts): void {
    const namespaceFacts = this.#byNamespace.get(facts.namespace) ?? new Map<string, Facts>();
    this.#byNamespace.set(facts.namespace, namespaceFacts.set(keyOf(facts), facts));
  }

  #remove(facts: Facts): void {
    const namespaceFacts = this.#byNamespace.get(facts.namespace);
    namespaceFacts?.delete(keyOf(facts));
    if (namespaceFacts?.size === 0) this.#byNamespace.delete(facts.namespace);
  }
}

function keyOf({ kind, name }: Facts): string {
  return `${kind}/${name}`;
}

import { LINK_ROLES } from '../../../domain/link.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../../redemption/ports/site.js';
import { formatNamespacedName } from '../api/resource.js';

type Access = SiteAccess | SiteRefusal;

interface Entry {
  /** The request of the first of the grants. */
  readonly request: SiteRequest;
  /** `namespace/name` of the grants with this access. */
  readonly grants: Set<string>;
  access: Promise<Access | undefined> | undefined;
}

/**
 * The access to the sites of active grants, for the conditions of the grants. All grants of a namespace with the same issuer
 * and the same roles share one access. It is resolved again periodically, because Secrets are not watched.
 */
export class SiteAccessCache {
  readonly #site: Site;
  readonly #onChange: (namespace: string) => void;
  readonly #entries = new Map<string, Entry>();
  /** The key in `#entries` by `namespace/name` of a grant. */
  readonly #keyByGrant = new Map<string, string>();

  /** `onChange` is called with a namespace whose access has changed. */
  constructor(site: Site, onChange: (namespace: string) => void) {
    this.#site = site;
    this.#onChange = onChange;
  }

  /** The access for a grant as it was resolved last; undefined while the API server does not answer. */
  accessOf(request: SiteRequest): Promise<Access | undefined> {
    const { namespace, name, issuer, policy } = request;
    // Not the other rules, which may be long, and each role once.
    const roles = policy?.endpointRoles && LINK_ROLES.filter((role) => policy.endpointRoles?.includes(role));
    const grant = formatNamespacedName({ namespace, name });
    // Null is the default roles; an empty list allows none.
    const key = JSON.stringify([namespace, issuer, roles ?? null]);
    if (this.#keyByGrant.get(grant) !== key) this.forget(grant);
    const unresolved = {
      request: { namespace, name, issuer, ...(roles && { policy: { endpointRoles: roles } }) },
      grants: new Set<string>(),
      access: undefined,
    };
    const entry: Entry = this.#entries.get(key) ?? unresolved;
    this.#entries.set(key, entry);
    this.#keyByGrant.set(grant, key);
    entry.grants.add(grant);
    entry.access ??= this.#resolve(entry);
    return entry.access;
  }

  /** Drops the grant `namespace/name`, which has ended or was deleted. */
  forget(grant: string): void {
    const key = this.#keyByGrant.get(grant);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    this.#keyByGrant.delete(grant);
    entry?.grants.delete(grant);
    if (key !== undefined && entry?.grants.size === 0) this.#entries.delete(key);
  }

  /** Drops all entries. Call it when `runOnce` is no longer called: the entries would become outdated. */
  clear(): void {
    this.#entries.clear();
    this.#keyByGrant.clear();
  }

  /** Drops the access of a namespace whose site has changed, and reports the namespace. */
  siteChanged(namespace: string): void {
    for (const entry of this.#entries.values())
      if (entry.request.namespace === namespace) entry.access = undefined;
    this.#onChange(namespace);
  }

  /** Resolves every entry again, one after the other, and reports those that changed; ends when the signal is aborted. */
  async runOnce(signal: AbortSignal): Promise<void> {
    for (const entry of [...this.#entries.values()]) {
      if (signal.aborted) return;
      const before = entry.access;
      const previous = await before;
      const access = await this.#resolve(entry);
      // If the site changed meanwhile, this access is outdated, and `accessOf` resolves the entry again.
      if (access === undefined || before === undefined || entry.access !== before) continue;
      entry.access = Promise.resolve(access);
      if (summaryOf(previous) !== summaryOf(access)) this.#onChange(entry.request.namespace);
    }
  }

  async #resolve({ request }: Entry): Promise<Access | undefined> {
    try {
      return await this.#site.resolveAccess(request);
    } catch {
      // Without an answer no condition changes; the next run tries again.
      return undefined;
    }
  }
}

/** The part of an access that the conditions of a grant depend on. */
function summaryOf(access: Access | undefined): string | undefined {
  if (access === undefined) return undefined;
  return 'refused' in access ? `${access.refused} ${access.reason}` : 'granted';
}

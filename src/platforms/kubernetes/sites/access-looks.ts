import type { Site, SiteAccess, SiteRefusal } from '../../../redemption/ports/site.js';

/** Whose access is looked at for the conditions of a grant. */
export interface LookedAt {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly issuer: string | null;
}

type Access = SiteAccess | SiteRefusal;

interface Look {
  readonly namespace: string;
  readonly issuer: string | null;
  readonly name: string;
  /** Uids of the grants that depend on it. */
  readonly grants: Set<string>;
  found: Promise<Access | undefined> | undefined;
}

/**
 * What the sites of grants that have not ended give access to, for their conditions: looked at once for all grants of a
 * namespace with the same issuer, and again with each turn, because Secrets are not watched.
 */
export class AccessLooks {
  readonly #site: Site;
  readonly #onChange: (namespace: string) => void;
  readonly #looks = new Map<string, Look>();
  readonly #keyByUid = new Map<string, string>();

  /** `onChange` is told of a namespace whose access is another than before. */
  constructor(site: Site, onChange: (namespace: string) => void) {
    this.#site = site;
    this.#onChange = onChange;
  }

  /** The access of a grant as it was looked at last; undefined while the API does not tell. */
  accessOf({ uid, namespace, name, issuer }: LookedAt): Promise<Access | undefined> {
    const key = `${namespace}/${issuer ?? ''}`;
    if (this.#keyByUid.get(uid) !== key) this.forget(uid);
    const look = this.#looks.get(key) ?? { namespace, issuer, name, grants: new Set(), found: undefined };
    this.#looks.set(key, look);
    this.#keyByUid.set(uid, key);
    look.grants.add(uid);
    look.found ??= this.#resolve(look);
    return look.found;
  }

  /** A grant has ended or is gone. */
  forget(uid: string): void {
    const key = this.#keyByUid.get(uid);
    const look = key === undefined ? undefined : this.#looks.get(key);
    this.#keyByUid.delete(uid);
    look?.grants.delete(uid);
    if (key !== undefined && look?.grants.size === 0) this.#looks.delete(key);
  }

  /** Something of a namespace's site is different: its grants are told, and look anew. */
  siteChanged(namespace: string): void {
    for (const look of this.#looks.values()) if (look.namespace === namespace) look.found = undefined;
    this.#onChange(namespace);
  }

  /** Looks at everything again, one after the other, and tells of what is different; until the signal is aborted. */
  async turn(signal: AbortSignal): Promise<void> {
    for (const look of [...this.#looks.values()]) {
      if (signal.aborted) return;
      const before = await look.found;
      const now = await this.#resolve(look);
      if (now === undefined) continue;
      look.found = Promise.resolve(now);
      if (wordsOf(before) !== wordsOf(now)) this.#onChange(look.namespace);
    }
  }

  async #resolve({ namespace, name, issuer }: Look): Promise<Access | undefined> {
    try {
      return await this.#site.resolveAccess({ namespace, name, issuer });
    } catch {
      // What the API does not tell now changes no condition; the next turn asks again.
      return undefined;
    }
  }
}

/** What of an access shows in conditions. */
function wordsOf(access: Access | undefined): string | undefined {
  if (access === undefined) return undefined;
  return 'refused' in access ? `${access.refused} ${access.reason}` : 'given';
}

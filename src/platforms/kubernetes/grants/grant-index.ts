import type { AccessGrant } from '../../../domain/access-grant.js';
import { storeUnavailable } from '../../../domain/redemption-error.js';
import { formatNamespacedName, type Stored } from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import type { ObjectSink } from '../controller/informer.js';
import { SharedLookup } from '../controller/shared-lookup.js';
import { type AccessGrantResource, grantRevokedAt, redemptionsAllowedOf } from './access-grant-resource.js';

/** The location of an AccessGrant, and the fields that determine its state; `redemptions` is from its status. */
export interface GrantLocation
  extends Pick<
    AccessGrant,
    'uid' | 'namespace' | 'name' | 'redemptionsAllowed' | 'redemptions' | 'expirationTime' | 'revokedAt'
  > {
  /** Changes with the spec and the revocation, but not with the status. */
  readonly specVersion: string;
}

export interface GrantIndexOptions {
  readonly list: () => Promise<readonly GrantLocation[]>;
  readonly wait: (ms: number) => Promise<unknown>;
  /** Called with `namespace/name` of a grant that may have changed; `isStatus` if only its status has. */
  readonly onChange: (key: string, isStatus: boolean) => void;
  readonly onGone: (grant: GrantLocation) => void;
}

/**
 * The namespace and name of each grant by uid, from a watch. The watch may lag, so {@link SharedLookup} looks up a uid that the
 * watch has not reported.
 */
export class GrantIndex implements ObjectSink<GrantLocation> {
  readonly #options: GrantIndexOptions;
  readonly #byUid = new Map<string, GrantLocation>();
  readonly #unreported: SharedLookup<GrantLocation>;
  #changes = 0;

  constructor(options: GrantIndexOptions) {
    this.#options = options;
    const list = async () => {
      const found = await options.list().catch((cause: unknown) => {
        throw storeUnavailable('the API server did not list the grants', cause);
      });
      return new Map(found.map((location) => [location.uid, location]));
    };
    this.#unreported = new SharedLookup({ ...options, list });
  }

  /** Number of changes that the watch reported so far. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * The location of the grant of that uid, or undefined if it certainly does not exist. Rejects with RedemptionError
   * `store_unavailable` when the API does not answer, and `overloaded` when too many lookups wait for a listing.
   */
  async locate(uid: string): Promise<GrantLocation | undefined> {
    return this.#byUid.get(uid) ?? this.#unreported.find(uid);
  }

  all(): Iterable<GrantLocation> {
    return this.#byUid.values();
  }

  /** `namespace/name` of every grant that the watch reported. */
  keys(): string[] {
    return [...this.#byUid.values()].map(formatNamespacedName);
  }

  get(uid: string): GrantLocation | undefined {
    return this.#byUid.get(uid);
  }

  /** `namespace/name` of the grant of that uid, if the watch reported it. */
  keyOf(uid: string): string | undefined {
    const location = this.#byUid.get(uid);
    return location && formatNamespacedName(location);
  }

  /** `namespace/name` of the grants in a namespace. */
  keysIn(namespace: string): string[] {
    return [...this.#byUid.values()]
      .filter((location) => location.namespace === namespace)
      .map(formatNamespacedName);
  }

  replace(locations: readonly GrantLocation[]): void {
    const listed = new Set(locations.map(({ uid }) => uid));
    for (const location of [...this.#byUid.values()]) if (!listed.has(location.uid)) this.remove(location);
    for (const location of locations) this.put(location);
  }

  put(location: GrantLocation): void {
    const cached = this.#byUid.get(location.uid);
    this.#byUid.set(location.uid, location);
    this.#changes += 1;
    this.#options.onChange(formatNamespacedName(location), cached?.specVersion === location.specVersion);
  }

  remove(location: GrantLocation): void {
    this.#byUid.delete(location.uid);
    this.#changes += 1;
    this.#unreported.recordAbsent(location.uid);
    this.#options.onGone(location);
    this.#options.onChange(formatNamespacedName(location), false);
  }
}

/**
 * Reads the location of an AccessGrant. Every replica does so for every change of every grant, so it does not validate the
 * spec: a grant whose spec became invalid after its expiration window started counts as valid until it expires.
 */
export function readLocation({
  metadata,
  spec = {},
  status = {},
}: Stored<AccessGrantResource>): GrantLocation {
  const { uid, namespace = '', name, generation } = metadata;
  const revokedAt = grantRevokedAt(metadata);
  return {
    uid,
    namespace,
    name,
    redemptionsAllowed: redemptionsAllowedOf(spec),
    redemptions: status.redemptions ?? 0,
    expirationTime: status.code ? timeOf(status.expirationTime) : null,
    revokedAt,
    specVersion: `${generation} ${revokedAt ?? ''}`,
  };
}

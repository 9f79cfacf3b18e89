import type { AccessGrant } from '../../../domain/access-grant.js';
import { GRANT_REVOKED } from '../../../domain/labels.js';
import { RedemptionError, storeUnavailable } from '../../../domain/redemption-error.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { SharedRead } from '../../../time/shared-read.js';
import { BoundedMap } from '../api/bounded-map.js';
import type { Stored } from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import type { ObjectSink } from '../controller/informer.js';
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
  readonly clock: Clock;
  readonly wait: (ms: number) => Promise<unknown>;
  /** Called with `namespace/name` of a grant that may have changed; `isStatus` if only its status has. */
  readonly onChange: (key: string, isStatus: boolean) => void;
  readonly onGone: (grant: GrantLocation) => void;
}

const MAX_ABSENT_ENTRIES = 10_000;
/** Maximum number of lookups that wait for a listing; further ones are refused as `overloaded`. */
export const MAX_WAITING_CALLERS = 100;
// After a listing, the next one waits nine times as long as the listing took. So requests with invented uids cannot keep the API
// server busy.
const PAUSE_FACTOR = 9;
const MAX_PAUSE_MS = 2_000;

/**
 * The namespace and name of each grant by uid, from a watch. The watch may lag, so a uid that it has not reported is looked up
 * in a new listing. If that does not contain it, the uid is recorded as absent: the API server chooses uids, so no later grant
 * can have it.
 */
export class GrantIndex implements ObjectSink<GrantLocation> {
  readonly #options: GrantIndexOptions;
  readonly #byUid = new Map<string, GrantLocation>();
  // Bounded, because clients can send any number of invented uids.
  readonly #absent = new BoundedMap<string, true>(MAX_ABSENT_ENTRIES);
  readonly #list: SharedRead<ReadonlyMap<string, GrantLocation>>;
  #waiting = 0;
  #changes = 0;

  constructor(options: GrantIndexOptions) {
    this.#options = options;
    let pauseUntil = 0;
    const list = async () => {
      const startedAt = options.clock();
      // The clock may have been set back.
      if (pauseUntil > startedAt) await options.wait(Math.min(MAX_PAUSE_MS, pauseUntil - startedAt));
      const listedAt = options.clock();
      try {
        const found = await options.list();
        return new Map(found.map((location) => [location.uid, location]));
      } finally {
        const endedAt = options.clock();
        pauseUntil = endedAt + Math.min(MAX_PAUSE_MS, PAUSE_FACTOR * (endedAt - listedAt));
      }
    };
    this.#list = new SharedRead(list, { dropsValues: true });
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
    const cached = this.#byUid.get(uid);
    if (cached || this.#absent.has(uid)) return cached;
    if (this.#waiting >= MAX_WAITING_CALLERS) {
      throw new RedemptionError('overloaded', 'too many requests for unknown grants wait for a listing');
    }
    this.#waiting += 1;
    const listed = await this.#list
      .readAfter()
      .catch((cause: unknown) => {
        throw storeUnavailable('the API server did not list the grants', cause);
      })
      .finally(() => {
        this.#waiting -= 1;
      });
    const found = listed.get(uid);
    if (found) return found;
    this.#absent.set(uid, true);
    return undefined;
  }

  all(): Iterable<GrantLocation> {
    return this.#byUid.values();
  }

  /** `namespace/name` of every grant that the watch reported. */
  keys(): string[] {
    return [...this.#byUid.values()].map(keyOf);
  }

  get(uid: string): GrantLocation | undefined {
    return this.#byUid.get(uid);
  }

  /** `namespace/name` of the grant of that uid, if the watch reported it. */
  keyOf(uid: string): string | undefined {
    const location = this.#byUid.get(uid);
    return location && keyOf(location);
  }

  /** `namespace/name` of the grants in a namespace. */
  keysIn(namespace: string): string[] {
    return [...this.#byUid.values()].filter((location) => location.namespace === namespace).map(keyOf);
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
    this.#options.onChange(keyOf(location), cached?.specVersion === location.specVersion);
  }

  remove(location: GrantLocation): void {
    this.#byUid.delete(location.uid);
    this.#changes += 1;
    this.#absent.set(location.uid, true);
    this.#options.onGone(location);
    this.#options.onChange(keyOf(location), false);
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
  const { uid, namespace = '', name, generation, annotations } = metadata;
  return {
    uid,
    namespace,
    name,
    redemptionsAllowed: redemptionsAllowedOf(spec),
    redemptions: status.redemptions ?? 0,
    expirationTime: status.code ? timeOf(status.expirationTime) : null,
    revokedAt: grantRevokedAt(metadata),
    specVersion: `${generation} ${annotations?.[GRANT_REVOKED] ?? ''}`,
  };
}

function keyOf({ namespace, name }: GrantLocation): string {
  return `${namespace}/${name}`;
}

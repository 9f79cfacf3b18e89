import type { AccessGrant } from '../../../domain/access-grant.js';
import { GRANT_REVOKED } from '../../../domain/labels.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { Stored } from '../api/resource.js';
import { SharedRead } from '../api/shared-read.js';
import type { ObjectSink } from '../controller/informer.js';
import { type AccessGrantResource, allowedOf, revokedAtOf, timeOf } from './access-grant-resource.js';

/** Where an AccessGrant is, and what its state follows from; `redemptions` is what its status says. */
export interface GrantLocation
  extends Pick<
    AccessGrant,
    'uid' | 'namespace' | 'name' | 'redemptionsAllowed' | 'redemptions' | 'expirationTime' | 'revokedAt'
  > {
  /** Another text once something else is asked of it; what a controller answers in its status does not matter. */
  readonly asked: string;
}

export interface GrantIndexOptions {
  /** Lists where every grant is at this moment. */
  readonly list: () => Promise<readonly GrantLocation[]>;
  readonly clock: Clock;
  readonly wait: (ms: number) => Promise<unknown>;
  /** Told of `namespace/name` where something may be different; in its status alone, where `isStatus`. */
  readonly onChange: (key: string, isStatus: boolean) => void;
  /** Told of a grant that is gone. */
  readonly onGone: (grant: GrantLocation) => void;
}

const MOST_ABSENT = 10_000;
/** Lookups that may wait for a listing at once; more are refused as `overloaded`. */
export const MOST_WAITING = 100;
// Of the API server's time, strangers who invent uids get a tenth.
const REST_OF_A_LIST = 9;
const LONGEST_REST_MS = 2_000;

/**
 * Where each grant is, by uid, as an informer told last. What that does not know is asked of the API before it is denied:
 * a token may be younger than what was told. The API server chooses uids, so one that was not there never will be, and is
 * asked for once.
 */
export class GrantIndex implements ObjectSink<GrantLocation> {
  readonly #options: GrantIndexOptions;
  readonly #byUid = new Map<string, GrantLocation>();
  readonly #absent = new Set<string>();
  readonly #list: SharedRead<ReadonlyMap<string, GrantLocation>>;
  #waiting = 0;

  constructor(options: GrantIndexOptions) {
    this.#options = options;
    let restUntil = 0;
    const list = async () => {
      const startedAt = options.clock();
      if (restUntil > startedAt) await options.wait(restUntil - startedAt);
      const listedAt = options.clock();
      try {
        const found = await options.list();
        return new Map(found.map((location) => [location.uid, location]));
      } finally {
        const endedAt = options.clock();
        restUntil = endedAt + Math.min(LONGEST_REST_MS, REST_OF_A_LIST * (endedAt - listedAt));
      }
    };
    this.#list = new SharedRead(list, { dropsValues: true });
  }

  /**
   * Where the grant of that uid is, or undefined when there is none for sure. Rejects with RedemptionError
   * `store_unavailable` when the API does not answer, and `overloaded` when too many lookups wait for a listing.
   */
  async locate(uid: string): Promise<GrantLocation | undefined> {
    const known = this.#byUid.get(uid);
    if (known || this.#absent.has(uid)) return known;
    if (this.#waiting >= MOST_WAITING) {
      throw new RedemptionError('overloaded', 'too many requests for unknown grants wait for a listing');
    }
    this.#waiting += 1;
    const listed = await this.#list
      .readAfter()
      .catch((cause: unknown) => {
        throw new RedemptionError('store_unavailable', 'the API server did not list the grants', {
          cause,
        });
      })
      .finally(() => {
        this.#waiting -= 1;
      });
    const found = listed.get(uid);
    if (found) return found;
    this.#noteAbsent(uid);
    return undefined;
  }

  /** Where the grant of that uid is, if it was told of. */
  known(uid: string): GrantLocation | undefined {
    return this.#byUid.get(uid);
  }

  /** Every grant that was told of. */
  all(): Iterable<GrantLocation> {
    return this.#byUid.values();
  }

  /** `namespace/name` of every grant that was told of. */
  keys(): string[] {
    return [...this.#byUid.values()].map(keyOf);
  }

  /** `namespace/name` of the grant of that uid, if it was told of. */
  keyOf(uid: string): string | undefined {
    const location = this.#byUid.get(uid);
    return location && keyOf(location);
  }

  keysIn(namespace: string): string[] {
    return [...this.#byUid.values()].filter((location) => location.namespace === namespace).map(keyOf);
  }

  replace(locations: readonly GrantLocation[]): void {
    const now = new Set(locations.map(({ uid }) => uid));
    for (const location of [...this.#byUid.values()]) if (!now.has(location.uid)) this.remove(location);
    for (const location of locations) this.put(location);
  }

  put(location: GrantLocation): void {
    const known = this.#byUid.get(location.uid);
    this.#byUid.set(location.uid, location);
    this.#options.onChange(keyOf(location), known?.asked === location.asked);
  }

  remove(location: GrantLocation): void {
    this.#byUid.delete(location.uid);
    this.#noteAbsent(location.uid);
    this.#options.onGone(location);
    this.#options.onChange(keyOf(location), false);
  }

  /** Bounded, since strangers ask for what they like. */
  #noteAbsent(uid: string): void {
    const [oldest] = this.#absent;
    if (this.#absent.size >= MOST_ABSENT && oldest !== undefined) this.#absent.delete(oldest);
    this.#absent.add(uid);
  }
}

/**
 * Reads where an AccessGrant is. Every replica does so for every change of every grant, so what a user may have written at
 * length is not looked at: a spec that was made impossible after the clock started ends when it would have.
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
    redemptionsAllowed: allowedOf(spec),
    redemptions: status.redemptions ?? 0,
    expirationTime: status.code ? timeOf(status.expirationTime) : null,
    revokedAt: revokedAtOf(metadata),
    asked: `${generation} ${annotations?.[GRANT_REVOKED] ?? ''}`,
  };
}

function keyOf({ namespace, name }: GrantLocation): string {
  return `${namespace}/${name}`;
}

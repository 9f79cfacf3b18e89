import type { Stored } from '../api/resource.js';
import type { ObjectSink } from '../controller/informer.js';
import { timeOf } from '../grants/access-grant-resource.js';
import type { RedemptionResource } from './redemption-resource.js';

/** Where the Redemption of an id is, and how old it is. */
export interface RedemptionLocation {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The resource version when it was first seen. */
  readonly version: number;
}

/**
 * Finds the namespace and name of a Redemption by its id. A watch fills it; so does a listing where there is no watch. Takes
 * some 300 bytes for each Redemption.
 */
export class RedemptionIndex implements ObjectSink<RedemptionLocation> {
  readonly #byId = new Map<string, RedemptionLocation>();

  /** The key of the Redemption with this id; undefined if the index does not have it. */
  find(id: string): RedemptionLocation | undefined {
    return this.#byId.get(id);
  }

  /** Replaces everything. */
  replace(all: readonly RedemptionLocation[]): void {
    this.#byId.clear();
    for (const location of all) this.put(location);
  }

  /** Adds a location. Of several Redemptions with one id the oldest counts. */
  put(location: RedemptionLocation): void {
    const known = this.#byId.get(location.id);
    if (!known || isOlder(location, known)) this.#byId.set(location.id, location);
  }

  /** Removes a location, unless the index has another one for the id. */
  remove({ id, namespace, name }: RedemptionLocation): void {
    const known = this.#byId.get(id);
    if (known?.namespace === namespace && known.name === name) this.#byId.delete(id);
  }
}

/**
 * Which of two Redemptions with one id is older. A user who writes one with the id of another has seen that id, and so comes
 * later. Creation times are in seconds; within a second the resource version decides.
 */
function isOlder(a: RedemptionLocation, b: RedemptionLocation): boolean {
  return a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.version < b.version);
}

/** Reads the location of a Redemption. */
export function readRedemptionLocation({ metadata, spec }: Stored<RedemptionResource>): RedemptionLocation {
  return {
    id: spec.id,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    createdAt: timeOf(metadata.creationTimestamp) ?? 0,
    version: Number(metadata.resourceVersion),
  };
}

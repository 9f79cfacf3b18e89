import { grantState } from '../../../domain/access-grant.js';
import { type AccessGrantResource, readAccessGrant } from '../access-grant-resource.js';
import { isApiError } from '../api-error.js';
import type { KubernetesClient } from '../client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../kinds.js';
import type { Stored } from '../resource.js';
import type { RedemptionResource } from './redemption-resource.js';
import { isWaiting, lastNotAfter, release } from './release.js';

// No Redemption of ours is called so, and none is made.
const PROBE = 'linkgrant-probe';

/**
 * The Redemptions that somebody deleted and that linkgrant has not let go of yet, as a watch told of them. They may be
 * deleted years before they may go, and be few among very many, so nothing is listed to find them.
 */
export class DeletedRedemptions {
  readonly #client: KubernetesClient;
  /** By namespace and name: when the last certificate ends. */
  readonly #waiting = new Map<string, Map<string, number>>();
  #running: Promise<number> | undefined;

  constructor(client: KubernetesClient) {
    this.#client = client;
  }

  /** Notes what a watch told of a Redemption. */
  note(redemption: Stored<RedemptionResource>): void {
    const { namespace = '', name } = redemption.metadata;
    if (!isWaiting(redemption)) {
      this.#forget(namespace, name);
      return;
    }
    const names = this.#waiting.get(namespace) ?? new Map<string, number>();
    this.#waiting.set(namespace, names.set(name, lastNotAfter(redemption)));
  }

  /**
   * Lets go of those whose grant is gone or past its end, so that their slot can be filled no more, and none of whose
   * certificates is valid at `now`; and of all in a namespace that is on its way out. Tells how many. Whoever asks while
   * this runs is told what comes of that run.
   */
  release(now: number): Promise<number> {
    this.#running ??= this.#releaseAll(now).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #releaseAll(now: number): Promise<number> {
    let released = 0;
    const failures: unknown[] = [];
    for (const [namespace, names] of this.#waiting) {
      try {
        released += await this.#releaseIn(namespace, names, now);
      } catch (error) {
        // What stands in the way in one namespace is no matter of the others.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return released;
  }

  async #releaseIn(namespace: string, names: ReadonlyMap<string, number>, now: number): Promise<number> {
    const isLeaving = await this.#isLeaving(namespace, names);
    let released = 0;
    for (const [name, endsAt] of names) {
      if (!isLeaving && endsAt > now) continue;
      const redemption = await this.#find(namespace, name);
      if (!redemption || !(isLeaving || (await this.#mayGo(redemption, now)))) continue;
      await release(this.#client, redemption);
      released += 1;
    }
    return released;
  }

  /** One that waits still, as the cluster has it. */
  async #find(namespace: string, name: string): Promise<Stored<RedemptionResource> | undefined> {
    const found = await this.#client.find<RedemptionResource>(REDEMPTIONS, { namespace, name });
    if (found && isWaiting(found)) return found;
    this.#forget(namespace, name);
    return undefined;
  }

  async #mayGo(redemption: Stored<RedemptionResource>, now: number): Promise<boolean> {
    if (lastNotAfter(redemption) > now) return false;
    const { metadata, spec } = redemption;
    const key = { namespace: metadata.namespace, name: spec.grantName };
    const grant = await this.#client.find<AccessGrantResource>(ACCESS_GRANTS, key);
    if (grant?.metadata.uid !== spec.grantUid) return true;
    // Revoked is for good only as long as the annotation is there.
    return grantState({ ...readAccessGrant(grant).grant, revokedAt: null }, now) === 'expired';
  }

  /** Whether a namespace is on its way out: nothing can be made in it then. */
  async #isLeaving(namespace: string, names: ReadonlyMap<string, number>): Promise<boolean> {
    for (const name of names.keys()) {
      const redemption = await this.#find(namespace, name);
      if (!redemption) continue;
      const { metadata: _, ...rest } = redemption;
      const another: RedemptionResource = { ...rest, metadata: { namespace, name: PROBE } };
      try {
        // To look at namespaces would take a right in the whole cluster.
        await this.#client.create(REDEMPTIONS, another, { dryRun: true });
        return false;
      } catch (error) {
        if (isApiError(error, 'not_found')) return true;
        if (isApiError(error, 'forbidden')) return error.causes.includes('NamespaceTerminating');
        throw error;
      }
    }
    return false;
  }

  #forget(namespace: string, name: string): void {
    const names = this.#waiting.get(namespace);
    names?.delete(name);
    if (names?.size === 0) this.#waiting.delete(namespace);
  }
}

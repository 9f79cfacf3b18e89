import { randomUUID } from 'node:crypto';
import { hasExpired } from '../../../domain/access-grant.js';
import { isResourceName } from '../../../domain/names.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError, isUnanswered } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import type { ResourceKey, Stored } from '../api/resource.js';
import type { ObjectSink } from '../controller/informer.js';
import type { RedemptionResource } from '../store/redemption-resource.js';
import { isWaiting, lastNotAfter, release } from '../store/release.js';
import { type AccessGrantResource, readAccessGrant } from './access-grant-resource.js';

/** A Redemption, as far as letting go of it goes. */
export interface WatchedRedemption {
  readonly namespace: string;
  readonly name: string;
  readonly grantUid: string;
  /** When its last certificate ends, in milliseconds since the epoch; undefined where it does not wait. */
  readonly endsAt: number | undefined;
}

export interface DeletedRedemptionsOptions {
  readonly client: KubernetesClient;
  /** True where it is known that a grant is there and has not ended: nothing is asked then. */
  readonly isAlive: (grantUid: string) => boolean;
  readonly clock: Clock;
  /** Told of what failed; the next turn tries again. */
  readonly onFailure: (error: unknown) => void;
}

// Of one namespace, before others have their turn.
const AT_A_TIME = 50;

/**
 * The Redemptions that somebody deleted and that linkgrant has not let go of yet, as a watch tells of them. They may be
 * deleted years before they may go, and be few among very many, so nothing is listed to find them.
 */
export class DeletedRedemptions implements ObjectSink<WatchedRedemption> {
  readonly #options: DeletedRedemptionsOptions;
  /** By namespace, then by name. */
  readonly #waiting = new Map<string, Map<string, WatchedRedemption>>();

  constructor(options: DeletedRedemptionsOptions) {
    this.#options = options;
  }

  replace(all: readonly WatchedRedemption[]): void {
    this.#waiting.clear();
    for (const one of all) this.put(one);
  }

  put(one: WatchedRedemption): void {
    const { namespace, name, endsAt } = one;
    if (endsAt === undefined) {
      this.remove(one);
      return;
    }
    const there = this.#waiting.get(namespace) ?? new Map<string, WatchedRedemption>();
    this.#waiting.set(namespace, there.set(name, one));
  }

  remove({ namespace, name }: WatchedRedemption): void {
    const there = this.#waiting.get(namespace);
    there?.delete(name);
    if (there?.size === 0) this.#waiting.delete(namespace);
  }

  /**
   * Lets go of those whose grant is gone or past its end, so that their slot can be filled no more, and none of whose
   * certificates is valid; and of all in a namespace that is on its way out. What is in the way of one holds up no other,
   * and namespaces with many take turns with the rest. Ends early when the signal is aborted, or the API server does not
   * answer; never rejects.
   */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#options.clock();
    let steps = [...this.#waiting].map(([namespace, there]) => ({
      namespace,
      run: this.#stepsIn([...there.values()], now, signal),
    }));
    while (steps.length > 0) {
      const unfinished: typeof steps = [];
      for (const step of steps) {
        try {
          if (!(await step.run.next()).done) unfinished.push(step);
        } catch (error) {
          if (!signal.aborted) this.#options.onFailure(error);
          this.#putLast(step.namespace);
          return;
        }
      }
      steps = unfinished;
    }
  }

  /** The next turn begins with others: maybe it is in this namespace alone that nothing is answered. */
  #putLast(namespace: string): void {
    const there = this.#waiting.get(namespace);
    if (!there) return;
    this.#waiting.delete(namespace);
    this.#waiting.set(namespace, there);
  }

  /** Those of one namespace, some at a time. Throws what ends the turn. */
  async *#stepsIn(
    waiting: readonly WatchedRedemption[],
    now: number,
    signal: AbortSignal,
  ): AsyncGenerator<void, void, undefined> {
    const { client, onFailure } = this.#options;
    const failures: unknown[] = [];
    const attempt = async (act: () => Promise<boolean>): Promise<boolean> => {
      signal.throwIfAborted();
      try {
        return await act();
      } catch (error) {
        if (signal.aborted || isUnanswered(error)) throw error;
        failures.push(error);
        return false;
      }
    };
    const staying: WatchedRedemption[] = [];
    // Of this namespace alone: whoever may write Redemptions in another one may name a grant of this one there.
    const isOver = new Map<string, boolean>();
    for (const [index, one] of waiting.entries()) {
      if (!(await attempt(() => this.#applyRetention(one, now, isOver)))) staying.push(one);
      if (index % AT_A_TIME === AT_A_TIME - 1) yield;
    }
    const [sample] = staying;
    const isLeaving = sample !== undefined && (await attempt(() => this.#isLeaving(sample)));
    for (const [index, one] of (isLeaving ? staying : []).entries()) {
      await attempt(async () => {
        const found = await this.#find(one);
        if (found) await release(client, found);
        return true;
      });
      if (index % AT_A_TIME === AT_A_TIME - 1) yield;
    }
    // One word for a namespace, however much is in the way there.
    if (failures.length > 0) onFailure(failures[0]);
  }

  /** Lets go of one if it may go by itself; true if it waits no more. */
  async #applyRetention(one: WatchedRedemption, now: number, isOver: Map<string, boolean>): Promise<boolean> {
    const { client, isAlive } = this.#options;
    if ((one.endsAt ?? 0) > now || isAlive(one.grantUid)) return false;
    const found = await this.#find(one);
    if (!found) return true;
    if (lastNotAfter(found) > now || !(await this.#isGrantOver(found, now, isOver))) return false;
    await release(client, found);
    return true;
  }

  /** `known` is what was found out lately, by name and uid: a grant that is over stays so. */
  async #isGrantOver(
    { metadata, spec: { grantName, grantUid } }: Stored<RedemptionResource>,
    now: number,
    known: Map<string, boolean>,
  ): Promise<boolean> {
    const key = `${grantName}/${grantUid}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const grant = isResourceName(grantName)
      ? await this.#options.client.find<AccessGrantResource>(ACCESS_GRANTS, {
          namespace: metadata.namespace,
          name: grantName,
        })
      : undefined;
    // One that is revoked is not over: that is so only as long as the annotation is there.
    const isOver = grant?.metadata.uid !== grantUid || hasExpired(readAccessGrant(grant).grant, now);
    known.set(key, isOver);
    return isOver;
  }

  /** One that waits still, as the cluster has it. */
  async #find({ namespace, name }: WatchedRedemption): Promise<Stored<RedemptionResource> | undefined> {
    const key: ResourceKey = { namespace, name };
    const found = await this.#options.client.find<RedemptionResource>(REDEMPTIONS, key);
    return found && isWaiting(found) ? found : undefined;
  }

  /** Whether the namespace of a Redemption is on its way out: nothing can be made in it then. */
  async #isLeaving(one: WatchedRedemption): Promise<boolean> {
    const found = await this.#find(one);
    if (!found) return false;
    const { metadata: _, ...rest } = found;
    const metadata = { namespace: one.namespace, name: `linkgrant-probe-${randomUUID()}` };
    try {
      // To look at namespaces would take a right in the whole cluster.
      await this.#options.client.create<RedemptionResource>(
        REDEMPTIONS,
        { ...rest, metadata },
        { dryRun: true },
      );
      return false;
    } catch (error) {
      if (isApiError(error, 'not_found')) return true;
      if (isApiError(error, 'forbidden') && error.causes.includes('NamespaceTerminating')) return true;
      // The API server says that it is before anything else is wrong with what is made.
      if (isApiError(error, 'invalid', 'conflict', 'already_exists')) return false;
      throw error;
    }
  }
}

/** Reads whether a Redemption waits, and until when. */
export function readWatchedRedemption(redemption: Stored<RedemptionResource>): WatchedRedemption {
  const { metadata, spec } = redemption;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    grantUid: spec.grantUid,
    endsAt: isWaiting(redemption) ? lastNotAfter(redemption) : undefined,
  };
}

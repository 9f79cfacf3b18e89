import { setTimeout as sleep } from 'node:timers/promises';
import { storeUnavailable } from '../../../domain/redemption-error.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { linkAbort } from '../../../time/abort.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { ClusterWatch } from '../controller/cluster-watch.js';
import { type GrantLocation, readLocation } from '../grants/grant-index.js';
import { type RedemptionIndex, readRedemptionLocation } from './redemption-index.js';
import type { RedemptionResource } from './redemption-resource.js';

/** A watch on the grants and Redemptions of a store. */
export interface StoreWatch {
  /**
   * Resolves once every grant and Redemption is known. Rejects if the watched state is incomplete or stale: with
   * RedemptionError `store_unavailable`, or with the ApiError of a failed list or watch.
   */
  ready(): Promise<void>;
  /** False before it is started: the store then lists, which needs fewer rights and is enough for a single query. */
  readonly isRunning: boolean;
  grants(): Iterable<GrantLocation>;
  /** Number of changes of grants so far. */
  readonly grantChanges: number;
  /** Stops the watch without waiting for a request in progress; absent if its owner stops it. */
  close?(): void;
}

const POLL_MS = 20;
const MAX_WAIT_MS = 8_000;

/** A watch that starts when it is first needed, for a process that does not run the controllers. */
export class LazyStoreWatch implements StoreWatch {
  readonly #watch: ClusterWatch;
  readonly #stop = new AbortController();
  readonly #grants = new Map<string, GrantLocation>();
  #grantChanges = 0;
  /** Ends the pauses after failures. */
  #retry = new AbortController();
  #failures = 0;
  #lastFailure: unknown;
  #running: Promise<void> | undefined;

  constructor(
    client: KubernetesClient,
    options: {
      readonly namespace: string | undefined;
      readonly clock: Clock;
      readonly index: RedemptionIndex;
    },
  ) {
    const { namespace, clock, index } = options;
    this.#watch = new ClusterWatch({
      client,
      namespace,
      clock,
      wait: async (ms, signal) => {
        const { controller, unlink } = linkAbort([signal, this.#retry.signal]);
        await sleep(ms, undefined, { signal: controller.signal, ref: false }).catch(() => undefined);
        unlink();
      },
      onFailure: (_operation, error) => {
        this.#failures += 1;
        this.#lastFailure = error;
      },
    });
    this.#watch.add('grants', ACCESS_GRANTS, readLocation, {
      replace: (all) => {
        this.#grants.clear();
        for (const grant of all) this.#grants.set(grant.uid, grant);
        this.#grantChanges += 1;
      },
      put: (grant) => {
        this.#grants.set(grant.uid, grant);
        this.#grantChanges += 1;
      },
      remove: ({ uid }) => {
        this.#grants.delete(uid);
        this.#grantChanges += 1;
      },
    });
    this.#watch.add(
      'redemptions',
      REDEMPTIONS,
      (resource) => readRedemptionLocation(resource as Stored<RedemptionResource>),
      index,
    );
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  get grantChanges(): number {
    return this.#grantChanges;
  }

  grants(): Iterable<GrantLocation> {
    return this.#grants.values();
  }

  async ready(): Promise<void> {
    const { signal } = this.#stop;
    const failuresBefore = this.#failures;
    if (this.#watch.problem() !== undefined) {
      // Retry now: the error of an earlier attempt may be outdated.
      this.#retry.abort();
      this.#retry = new AbortController();
    }
    this.#running ??= this.#watch.run(signal);
    const deadline = performance.now() + MAX_WAIT_MS;
    while (this.#watch.problem() !== undefined && !signal.aborted && performance.now() < deadline) {
      if (this.#failures > failuresBefore) throw this.#lastFailure;
      await sleep(POLL_MS);
    }
    const problem = this.#watch.problem();
    if (problem !== undefined) throw storeUnavailable(problem);
  }

  close(): void {
    this.#stop.abort();
  }
}

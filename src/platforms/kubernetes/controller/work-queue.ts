import { type BackOffLimits, backOffDelay } from '../../../time/back-off.js';
import { FairQueue } from './fair-queue.js';

/**
 * The result of the work on a key: done, or to be repeated after some milliseconds; with `retryAfterMs` not before that, even if
 * the key is added again.
 */
export type ReconcileResult =
  | 'settled'
  | { readonly requeueAfterMs: number }
  | { readonly retryAfterMs: number };

/** A failure that a retry cannot resolve; the key waits until something changes. */
export class TerminalFailure extends Error {
  override readonly name = 'TerminalFailure';
}

/** What {@link WorkQueue} needs. */
export interface WorkQueueOptions {
  /**
   * Processes one key. A rejection is retried with back-off unless it is a TerminalFailure. A key is never processed
   * concurrently.
   */
  readonly work: (key: string) => Promise<ReconcileResult>;
  /** Called with every rejection, and the milliseconds until the retry; undefined if there is none. */
  readonly onFailure: (key: string, error: unknown, retryInMs: number | undefined) => void;
  /** Maximum number of keys that are processed at a time. */
  readonly concurrency: number;
  readonly backOff: BackOffLimits;
  /**
   * Maximum number of keys of a namespace that are processed at a time. Retries count separately, so that a namespace may have
   * twice as many.
   */
  readonly maxPerNamespace: number;
  /** Maximum number of concurrent retries; `concurrency` if absent. */
  readonly mostRetries?: number;
}

/**
 * A queue of keys `namespace/name` to process, which serves the namespaces in rotation. A key that is added several times is
 * processed once, and once more if it was added meanwhile. A failed key waits for its back-off even if it is added again, so
 * that events of its own writes cause no hot loop.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready: FairQueue;
  /** Keys that are ready after a failure and their back-off. Keys of `#ready` go first. */
  readonly #retries: FairQueue;
  #runningRetries = 0;
  readonly #running = new Map<string, Promise<void>>();
  /** Keys that were added while they were worked on; the value is true if `addAndRetryNow` added them. */
  readonly #addedWhileRunning = new Map<string, boolean>();
  /** The timers of keys that wait for a retry or for their requested time. */
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  #isOpen = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#ready = new FairQueue(options.maxPerNamespace);
    this.#retries = new FairQueue(options.maxPerNamespace);
  }

  /** Starts to work on keys, also on those that were added before. */
  start(): void {
    this.#isOpen = true;
    this.#next();
  }

  /** Drops every key and resolves when no work runs. The queue may be started again. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    for (const keys of [this.#ready, this.#retries, this.#addedWhileRunning, this.#waiting, this.#failures])
      keys.clear();
    await Promise.all(this.#running.values());
  }

  /** Adds a key; after a failure it waits for its back-off. */
  add(key: string): void {
    if (this.#running.has(key)) this.#addedWhileRunning.set(key, this.#addedWhileRunning.get(key) ?? false);
    else if (!this.#failures.has(key)) this.#enqueue(key);
  }

  /** Adds a key whose object was replaced or changed by its user: earlier failures do not count. */
  addAndRetryNow(key: string): void {
    if (this.#running.has(key)) {
      this.#addedWhileRunning.set(key, true);
      return;
    }
    this.#failures.delete(key);
    this.#enqueue(key);
  }

  #enqueue(key: string): void {
    clearTimeout(this.#waiting.get(key));
    this.#waiting.delete(key);
    if (this.#failures.has(key)) {
      this.#retries.add(key);
    } else {
      // `addAndRetryNow` may move a key that is ready for its retry.
      this.#retries.remove(key);
      this.#ready.add(key);
    }
    this.#next();
  }

  #next(): void {
    const { concurrency, mostRetries = concurrency } = this.#options;
    while (this.#isOpen && this.#running.size < concurrency) {
      const fresh = this.#ready.dequeue();
      if (fresh !== undefined) {
        this.#running.set(fresh, this.#run(fresh, this.#ready));
        continue;
      }
      const key = this.#runningRetries < mostRetries ? this.#retries.dequeue() : undefined;
      if (key === undefined) return;
      this.#runningRetries += 1;
      this.#running.set(key, this.#run(key, this.#retries));
    }
  }

  async #run(key: string, from: FairQueue): Promise<void> {
    let delay: number | undefined;
    try {
      delay = this.#delayAfter(key, await this.#options.work(key));
    } catch (error) {
      delay = error instanceof TerminalFailure ? undefined : this.#backOff(key);
      if (delay === undefined) this.#failures.delete(key);
      this.#options.onFailure(key, error, delay);
    }
    this.#running.delete(key);
    from.release(key);
    if (from === this.#retries) this.#runningRetries -= 1;
    if (!this.#isOpen) {
      this.#failures.delete(key);
      return;
    }
    const isNewVersion = this.#addedWhileRunning.get(key);
    this.#addedWhileRunning.delete(key);
    if (isNewVersion) this.addAndRetryNow(key);
    else if (isNewVersion === false) this.add(key);
    // If the key was added meanwhile, it is ready or worked on already.
    const isReady = this.#ready.has(key) || this.#retries.has(key);
    if (delay !== undefined && !isReady && !this.#running.has(key)) {
      this.#waiting.set(key, setTimeout(() => this.#enqueue(key), delay).unref());
    }
    this.#next();
  }

  #delayAfter(key: string, result: ReconcileResult): number | undefined {
    if (result !== 'settled' && 'retryAfterMs' in result) {
      // Waits like a key that failed, without another failure.
      this.#failures.set(key, this.#failures.get(key) ?? 0);
      return result.retryAfterMs;
    }
    this.#failures.delete(key);
    return result === 'settled' ? undefined : result.requeueAfterMs;
  }

  #backOff(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    return backOffDelay(this.#options.backOff, failures);
  }
}

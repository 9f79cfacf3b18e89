import type { Clock } from '../../../redemption/ports/clock.js';
import { type BackOffLimits, backOffDelay } from '../../../time/back-off.js';
import { isApiError } from '../api/api-error.js';

/** A change after the listing. A bookmark only advances the resource version. */
export type ObjectEvent<T> =
  | { readonly type: 'put' | 'remove'; readonly object: T; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string };

/** Reads one kind of object from the API server. */
export interface ObjectSource<T> {
  /** All present objects. */
  list(signal: AbortSignal): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }>;
  /**
   * The changes since a resource version, until the server ends the watch. Throws ApiError `gone` if that version is too
   * old.
   */
  watch(resourceVersion: string, signal: AbortSignal): AsyncIterable<ObjectEvent<T>>;
}

/** Receives the objects of a kind. Each call only records or enqueues, and returns soon. */
export interface ObjectSink<T> {
  /** Receives the complete list; all other objects no longer exist. */
  replace(objects: readonly T[]): void;
  /** Receives a created or changed object. */
  put(object: T): void;
  /** Receives a deleted object. */
  remove(object: T): void;
}

/** What {@link Informer} needs. */
export interface InformerOptions<T> {
  readonly source: ObjectSource<T>;
  readonly sink: ObjectSink<T>;
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called with each failure; the informer continues. */
  readonly onFailure: (error: unknown) => void;
  readonly backOff: BackOffLimits;
}

// A watch that ends earlier than this counts as failed, so the next one is delayed.
const MIN_WATCH_MS = 1_000;
// A server that was restored from a backup may reject the last version, but not with `gone`.
const FAILURES_BEFORE_LIST = 5;

/**
 * Reports the objects of a kind to a sink: first a listing, then each change. Resumes a broken watch with back-off. Lists the
 * objects again if the resource version is too old, or after five failures in a row.
 */
export class Informer<T> {
  readonly #options: InformerOptions<T>;
  #isSynced = false;
  #seenAt = Number.NEGATIVE_INFINITY;
  #resourceVersion: string | undefined;
  #failures = 0;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
  }

  /** True once the sink has received a listing. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** When the API server last answered, by the clock; minus infinity before that. */
  get seenAt(): number {
    return this.#seenAt;
  }

  /** Runs until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const startedAt = this.#options.clock();
        const version = this.#resourceVersion ?? (await this.#list(signal));
        await this.#watch(version, signal);
        if (this.#options.clock() - startedAt < MIN_WATCH_MS) await this.#pause(signal);
        else this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isApiError(error, 'gone')) this.#resourceVersion = undefined;
        this.#options.onFailure(error);
        await this.#pause(signal);
        if (this.#failures >= FAILURES_BEFORE_LIST) this.#resourceVersion = undefined;
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { items, resourceVersion } = await this.#options.source.list(signal);
    this.#options.sink.replace(items);
    this.#isSynced = true;
    this.#observeVersion(resourceVersion);
    return resourceVersion;
  }

  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { source, sink } = this.#options;
    for await (const event of source.watch(version, signal)) {
      if (event.type === 'put') sink.put(event.object);
      else if (event.type === 'remove') sink.remove(event.object);
      this.#observeVersion(event.resourceVersion);
    }
    this.#seenAt = this.#options.clock();
  }

  #observeVersion(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#seenAt = this.#options.clock();
    this.#failures = 0;
  }

  #pause(signal: AbortSignal): Promise<void> {
    this.#failures += 1;
    return this.#options.wait(backOffDelay(this.#options.backOff, this.#failures), signal);
  }
}

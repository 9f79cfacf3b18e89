import type { Clock } from '../../../redemption/ports/clock.js';
import { type BackOffLimits, backOffDelay } from '../../../time/back-off.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { readListing } from '../api/list-page.js';
import type { Resource, ResourceKind, Stored } from '../api/resource.js';

/** Receives the objects of a kind. Each call only records or enqueues, and returns soon. */
export interface ObjectSink<T> {
  /** Receives the complete list; all other objects no longer exist. */
  replace(objects: readonly T[]): void;
  put(object: T): void;
  remove(object: T): void;
}

/** What {@link Informer} needs. */
export interface InformerOptions<T extends Resource, V> {
  readonly client: Pick<KubernetesClient, 'list' | 'watch'>;
  readonly kind: ResourceKind;
  /** The only namespace that is watched; undefined for all. */
  readonly namespace: string | undefined;
  /** Converts a resource into the object that the sink receives. */
  readonly read: (resource: Stored<T>) => V;
  readonly sink: ObjectSink<V>;
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called with each failure; the informer continues. */
  readonly onFailure: (error: unknown) => void;
  readonly backOff: BackOffLimits;
}

// The server ends each watch after this time, which shows that it is alive even if nothing changes.
const WATCH_SECONDS = 10;
// A watch that ends earlier than this counts as failed, so the next one is delayed.
const MIN_WATCH_MS = 1_000;
// A server that was restored from a backup may reject the last version, but not with `gone`.
const FAILURES_BEFORE_LIST = 5;

/**
 * Reports the objects of a kind to a sink: first a listing, then each change. Resumes a broken watch with back-off. Lists the
 * objects again if the resource version is too old, or after five failures in a row.
 */
export class Informer<T extends Resource, V> {
  readonly #options: InformerOptions<T, V>;
  #isSynced = false;
  #seenAt = Number.NEGATIVE_INFINITY;
  #resourceVersion: string | undefined;
  #failures = 0;

  constructor(options: InformerOptions<T, V>) {
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
    const { client, kind, namespace, read, sink } = this.#options;
    const { items, resourceVersion } = await readListing(client, { kind, namespace }, read, signal);
    sink.replace(items);
    this.#isSynced = true;
    this.#observeVersion(resourceVersion);
    return resourceVersion;
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, kind, namespace, read, sink } = this.#options;
    const selection = { namespace, resourceVersion, timeoutSeconds: WATCH_SECONDS };
    for await (const event of client.watch<T>(kind, selection, signal)) {
      if (event.type === 'BOOKMARK') {
        this.#observeVersion(event.resourceVersion);
        continue;
      }
      const object = read(event.object);
      if (event.type === 'DELETED') sink.remove(object);
      else sink.put(object);
      this.#observeVersion(event.object.metadata.resourceVersion);
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

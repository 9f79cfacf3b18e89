import type { Clock } from '../../../redemption/ports/clock.js';
import type { KubernetesClient } from '../api/client.js';
import type { Resource, ResourceKind, Stored } from '../api/resource.js';
import { Informer, type ObjectSink } from './informer.js';

/** What {@link ClusterWatch} needs. */
export interface ClusterWatchOptions {
  readonly client: Pick<KubernetesClient, 'list' | 'watch'>;
  /** The only namespace that is watched; undefined for all. */
  readonly namespace: string | undefined;
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called with each failure, which is retried. `operation` is a verb phrase. */
  readonly onFailure: (operation: string, error: unknown) => void;
}

const BACK_OFF = { firstMs: 200, longestMs: 10_000 };
// The watched state is stale if the API server has sent no response for this time.
const STALE_AFTER_MS = 30_000;

/** Watches several kinds of resources, each for its own sink. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #informers = new Map<string, Pick<Informer<Resource, unknown>, 'run' | 'isSynced' | 'seenAt'>>();

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  /** Adds a kind and its sink; call this before `run`. `name` is the name of the kind in messages and for `isSynced`. */
  add<T extends Resource, V>(
    name: string,
    kind: ResourceKind,
    read: (resource: Stored<T>) => V,
    sink: ObjectSink<V>,
  ): void {
    const informer = new Informer<T, V>({
      ...this.#options,
      kind,
      read,
      sink,
      onFailure: (error) => this.#options.onFailure(`watch ${kind.plural}`, error),
      backOff: BACK_OFF,
    });
    this.#informers.set(name, informer);
  }

  /** Watches until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.run(signal)));
  }

  /** True once these kinds were listed; every kind if `names` is empty. */
  isSynced(...names: readonly string[]): boolean {
    const required = names.length > 0 ? names : [...this.#informers.keys()];
    return required.every((name) => this.#informers.get(name)?.isSynced ?? false);
  }

  /** Why the watched state is incomplete or stale, as a sentence; undefined if it is neither. */
  problem(): string | undefined {
    const now = this.#options.clock();
    for (const [name, { isSynced, seenAt }] of this.#informers) {
      if (!isSynced) return `the ${name} were not listed yet`;
      if (now - seenAt > STALE_AFTER_MS)
        return `the watch of ${name} got no response for ${STALE_AFTER_MS / 1_000} s`;
    }
    return undefined;
  }
}

import type { Clock } from '../../../redemption/ports/clock.js';
import { Informer, type ObjectSink } from '../controller/informer.js';
import { watchedResources } from '../controller/watched-resources.js';
import type { KubernetesClient } from './client.js';
import type { Resource, ResourceKind, Stored } from './resource.js';

/** What {@link ClusterWatch} needs. */
export interface ClusterWatchOptions {
  readonly client: Pick<KubernetesClient, 'list' | 'watch'>;
  /** The only namespace that is watched; undefined for all. */
  readonly namespace: string | undefined;
  readonly clock: Clock;
  /** Resolves after that many milliseconds, or when the signal is aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Called with a failure that is retried, and a few words about the operation. */
  readonly onFailure: (what: string, error: unknown) => void;
}

const BACK_OFF = { firstMs: 200, longestMs: 10_000 };
// The API server ends each watch after 10 s, which shows that it is alive.
const FRESH_MS = 30_000;

/** Watches several kinds of resources, each for its own sink. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #informers = new Map<string, Pick<Informer<unknown>, 'run' | 'isSynced' | 'seenAt'>>();

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  /** Adds a kind and its sink; call this before `run`. `called` names the kind in messages and for `isSynced`. */
  add<V>(
    called: string,
    kind: ResourceKind,
    read: (resource: Stored<Resource>) => V,
    sink: ObjectSink<V>,
  ): void {
    const { client, namespace, clock, wait, onFailure } = this.#options;
    const informer = new Informer<V>({
      source: watchedResources(client, { kind, namespace }, read),
      sink,
      clock,
      wait,
      onFailure: (error) => onFailure(`watch ${kind.plural}`, error),
      backOff: BACK_OFF,
    });
    this.#informers.set(called, informer);
  }

  /** Watches until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#informers.values()].map((one) => one.run(signal)));
  }

  /** True once these kinds were listed; every kind if none is named. */
  isSynced(...called: readonly string[]): boolean {
    const names = called.length > 0 ? called : [...this.#informers.keys()];
    return names.every((name) => this.#informers.get(name)?.isSynced ?? false);
  }

  /** Why the watched state is incomplete or stale, as a sentence; undefined if it is neither. */
  problem(): string | undefined {
    const now = this.#options.clock();
    for (const [called, { isSynced, seenAt }] of this.#informers) {
      if (!isSynced) return `the ${called} were not listed yet`;
      if (now - seenAt > FRESH_MS) return `there was no update about ${called} for ${FRESH_MS / 1_000} s`;
    }
    return undefined;
  }
}

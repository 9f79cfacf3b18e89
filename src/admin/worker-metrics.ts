import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';

/** The metrics of one process, as `Registry.getMetricsAsJSON` returns them. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

// Types that never decrease, so their sums must not decrease when a worker ends.
const CUMULATIVE: ReadonlySet<string> = new Set(['counter', 'histogram']);

// Parts of a second, and of all else: sums of them are exact in whatever order they are added, so that none falls by a
// rounding when a worker ends. A collector takes any fall for a restart.
const PARTS = 2 ** 20;

/** True for a metric whose values never decrease. `type` is a string, though its TypeScript type is an enum. */
function isCumulative({ type }: MetricsSnapshot[number]): boolean {
  return CUMULATIVE.has(String(type));
}

/** Rounds the values of a cumulative metric down to whole parts; returns others unchanged. */
function inParts(metric: MetricsSnapshot[number]): MetricsSnapshot[number] {
  if (!isCumulative(metric)) return metric;
  const values = metric.values.map((one) => ({ ...one, value: Math.floor(one.value * PARTS) / PARTS }));
  return { ...metric, values };
}

/**
 * Sums the metrics of several worker processes. The last counters of a worker that ended stay in the sums, so that a sum
 * decreases only when the whole service restarts.
 */
export class WorkerMetrics {
  readonly #latest = new Map<number, MetricsSnapshot>();
  #departed: Promise<MetricsSnapshot> = Promise.resolve([]);

  /** Replaces the metrics of this worker. */
  note(worker: number, snapshot: MetricsSnapshot): void {
    this.#latest.set(worker, snapshot.map(inParts));
  }

  /** Removes a worker that has ended; its counters stay in the sums, its gauges do not. */
  forget(worker: number): void {
    const last = this.#latest.get(worker)?.filter(isCumulative);
    this.#latest.delete(worker);
    if (last) this.#departed = this.#departed.then((before) => sumOf([before, last]).getMetricsAsJSON());
  }

  /** The sums in Prometheus' text form. */
  async text(): Promise<string> {
    const departed = await this.#departed;
    return sumOf([...this.#latest.values(), departed]).metrics();
  }
}

function sumOf(snapshots: MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots);
}

/** Creates the metrics of the worker processes themselves; each scrape calls `count`. */
export function createWorkerMetrics(
  count: () => { readonly wanted: number; readonly serving: number; readonly ended: number },
): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'linkgrant_workers',
    help: 'Worker processes: wanted (--workers) and serving. Absent with one process.',
    labelNames: ['state'],
    registers,
    collect() {
      const { wanted, serving } = count();
      this.set({ state: 'wanted' }, wanted);
      this.set({ state: 'serving' }, serving);
    },
  });
  new Counter({
    name: 'linkgrant_worker_ends_total',
    help: 'Worker processes that ended unexpectedly and were replaced. Absent with one process.',
    registers,
    collect() {
      this.reset();
      this.inc(count().ended);
    },
  });
  return registry;
}

import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';

/** The metrics of one process, as returned by `Registry.getMetricsAsJSON`. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

// Types whose values only increase, and must not decrease when a worker ends.
const CUMULATIVE: ReadonlySet<string> = new Set(['counter', 'histogram']);

// Values are rounded down to multiples of 2^-20, so that sums are exact in any order and none decreases by rounding when a
// worker ends. Prometheus regards any decrease as a restart.
const FRACTIONS = 2 ** 20;

/** Whether the values of a metric only increase. At run time `type` is a string, although it is declared as a number. */
function isCumulative({ type }: MetricsSnapshot[number]): boolean {
  return CUMULATIVE.has(String(type));
}

/** Rounds the values of a cumulative metric down; returns other metrics unchanged. */
function roundDown(metric: MetricsSnapshot[number]): MetricsSnapshot[number] {
  if (!isCumulative(metric)) return metric;
  const values = metric.values.map((one) => ({
    ...one,
    value: Math.floor(one.value * FRACTIONS) / FRACTIONS,
  }));
  return { ...metric, values };
}

/**
 * Sums the metrics of several workers, or aggregates a gauge as it declares (`aggregator`). The last counts of a worker stay
 * in the sums after its end, so that a sum only decreases when the whole service restarts. prom-client's `clusterMetrics` is not
 * used: it drops these counts, and fails while a worker does not respond.
 */
export class WorkerMetrics {
  readonly #latest = new Map<number, MetricsSnapshot>();
  // The sums of the counts of all ended workers.
  #endedSums: Promise<MetricsSnapshot> = Promise.resolve([]);

  /** Replaces the metrics of a worker. */
  update(worker: number, snapshot: MetricsSnapshot): void {
    this.#latest.set(worker, snapshot.map(roundDown));
  }

  /** Retains the counts of an ended worker, and drops its gauges. */
  remove(worker: number): void {
    const last = this.#latest.get(worker)?.filter(isCumulative);
    this.#latest.delete(worker);
    if (last) this.#endedSums = this.#endedSums.then((sums) => sumOf([sums, last]).getMetricsAsJSON());
  }

  /** Returns the merged metrics in Prometheus' text format. */
  async text(): Promise<string> {
    const endedSums = await this.#endedSums;
    return sumOf([...this.#latest.values(), endedSums]).metrics();
  }
}

function sumOf(snapshots: MetricsSnapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots);
}

/** Creates the metrics about the number of workers; `count` is called at each scrape. */
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

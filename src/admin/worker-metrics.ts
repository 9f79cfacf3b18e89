import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';

/** What one process counted, as `Registry.getMetricsAsJSON` gives it. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

// What only ever rises, and so must not fall when the process that counted it has gone.
const CUMULATIVE: ReadonlySet<string> = new Set(['counter', 'histogram']);

// Parts of a second, and of all else: sums of them are exact in whatever order they are added, so that none falls by a
// rounding when a worker ends. A collector takes any fall for a restart.
const PARTS = 2 ** 20;

/** True for a metric whose values add up over the life of a process. `type` is told as a word, whatever its type says. */
function isCumulative({ type }: MetricsSnapshot[number]): boolean {
  return CUMULATIVE.has(String(type));
}

/** What a metric adds up is cut off after whole parts; the rest is as it was. */
function inParts(metric: MetricsSnapshot[number]): MetricsSnapshot[number] {
  if (!isCumulative(metric)) return metric;
  const values = metric.values.map((one) => ({ ...one, value: Math.floor(one.value * PARTS) / PARTS }));
  return { ...metric, values };
}

/**
 * Adds up what several worker processes counted. What one of them had counted when it told last stays counted after its
 * end, so that a sum falls only when the whole service starts anew.
 */
export class WorkerMetrics {
  readonly #latest = new Map<number, MetricsSnapshot>();
  #departed: Promise<MetricsSnapshot> = Promise.resolve([]);

  /** Takes the place of what this worker told before. */
  note(worker: number, snapshot: MetricsSnapshot): void {
    this.#latest.set(worker, snapshot.map(inParts));
  }

  /** The worker has ended: what it counted stays, what it was does not. */
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

/** How many worker processes are wanted, answer, and ended unbidden; asked for when it is told. */
export function createWorkerMetrics(
  count: () => { readonly wanted: number; readonly serving: number; readonly ended: number },
): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'linkgrant_workers',
    help: 'Worker processes: wanted (--workers), and serving. Only with several.',
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
    help: 'Worker processes that ended unbidden, and were replaced. Only with several.',
    registers,
    collect() {
      this.reset();
      this.inc(count().ended);
    },
  });
  return registry;
}

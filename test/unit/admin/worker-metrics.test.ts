import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { addLoadMetrics } from '../../../src/admin/listener-metrics.js';
import { createWorkerMetrics, WorkerMetrics } from '../../../src/admin/worker-metrics.js';

/** The metrics of a worker that has sent `answers` responses and has `connections` open connections. */
function snapshotOf(answers: number, connections: number) {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'answers_total', help: 'h', labelNames: ['outcome'], registers }).inc(
    { outcome: 'redeemed' },
    answers,
  );
  new Gauge({ name: 'connections', help: 'h', registers }).set(connections);
  const time = new Histogram({ name: 'seconds', help: 'h', buckets: [1, 2], registers });
  for (let count = 0; count < answers; count += 1) time.observe(1.5);
  return registry.getMetricsAsJSON();
}

const valueIn = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1),
  );

describe('the merged metrics of several workers', () => {
  it('are the sums of their counters, gauges and histograms', async () => {
    const metrics = new WorkerMetrics();
    metrics.update(1, await snapshotOf(3, 10));
    metrics.update(2, await snapshotOf(4, 20));
    const text = await metrics.text();
    expect(valueIn(text, 'answers_total{outcome="redeemed"}')).toBe(7);
    expect(valueIn(text, 'connections')).toBe(30);
    expect(valueIn(text, 'seconds_bucket{le="2"}')).toBe(7);
    expect(valueIn(text, 'seconds_bucket{le="1"}')).toBe(0);
    expect(valueIn(text, 'seconds_sum')).toBe(10.5);
  });

  it('contain the sum of the requests in flight, and the longest wait of a connection until it is accepted', async () => {
    const metrics = new WorkerMetrics();
    for (const seconds of [1, 3, 2]) {
      const registry = new Registry();
      const connectionWaitMs = seconds * 1_000;
      addLoadMetrics(registry, () => ({ requestsInFlight: 5, connectionWaitMs }));
      metrics.update(seconds, await registry.getMetricsAsJSON());
    }
    const text = await metrics.text();
    expect(valueIn(text, 'linkgrant_requests_in_flight')).toBe(15);
    expect(valueIn(text, 'linkgrant_connection_wait_seconds')).toBe(3);
  });

  it('contain the last snapshot of each worker, however often it was sent', async () => {
    const metrics = new WorkerMetrics();
    metrics.update(1, await snapshotOf(3, 10));
    metrics.update(1, await snapshotOf(5, 9));
    const text = await metrics.text();
    expect(valueIn(text, 'answers_total{outcome="redeemed"}')).toBe(5);
    expect(valueIn(text, 'connections')).toBe(9);
  });

  it('retain the counters of workers that ended, and drop their gauges', async () => {
    const metrics = new WorkerMetrics();
    for (const worker of [1, 2, 3]) metrics.update(worker, await snapshotOf(worker, 10));
    metrics.remove(1);
    metrics.remove(2);
    metrics.update(4, await snapshotOf(0, 1));
    const text = await metrics.text();
    expect(valueIn(text, 'answers_total{outcome="redeemed"}')).toBe(6);
    expect(valueIn(text, 'seconds_count')).toBe(6);
    expect(valueIn(text, 'connections')).toBe(11);
    metrics.remove(3);
    metrics.remove(4);
    metrics.remove(5);
    const last = await metrics.text();
    expect(valueIn(last, 'answers_total{outcome="redeemed"}')).toBe(6);
    expect(last).not.toContain('connections');
  });

  it('never decrease by rounding, in any order in which workers end', async () => {
    const metrics = new WorkerMetrics();
    for (const [at, seconds] of [0.1, 0.2, 0.3, 0.7].entries()) {
      const registry = new Registry();
      new Counter({ name: 'busy_seconds_total', help: 'h', registers: [registry] }).inc(seconds);
      metrics.update(at, await registry.getMetricsAsJSON());
    }
    const values: number[] = [];
    for (const ended of [2, 0, 3, 1]) {
      values.push(valueIn(await metrics.text(), 'busy_seconds_total'));
      metrics.remove(ended);
    }
    values.push(valueIn(await metrics.text(), 'busy_seconds_total'));
    expect(new Set(values).size).toBe(1);
    expect(values[0]).toBeCloseTo(1.3, 5);
  });

  it('contain the number of workers, and how many ended, at the time of the scrape', async () => {
    const now = { wanted: 2, serving: 1, ended: 0 };
    const registry = createWorkerMetrics(() => now);
    expect(await registry.metrics()).toContain('linkgrant_workers{state="serving"} 1\n');
    Object.assign(now, { serving: 2, ended: 3 });
    for (let time = 0; time < 2; time += 1) {
      const text = await registry.metrics();
      expect(text).toContain('linkgrant_workers{state="wanted"} 2\n');
      expect(text).toContain('linkgrant_workers{state="serving"} 2\n');
      expect(text).toContain('linkgrant_worker_ends_total 3\n');
    }
  });
});

import { WARM_UP } from './compare.mjs';
import { RequestSource } from './requests.mjs';
import { withService } from './servers.mjs';
import { notServed, totalOf } from './statistics.mjs';

const TOP_CLIENTS = 32;
const SECONDS = 10;
// More than the service accepts at once, so that the service refuses some.
const OVERLOAD_CLIENTS = 3_000;
const OVERLOAD_FACTOR = 2;

/**
 * Measures the highest rate of redemptions with 32 clients. Then sends requests at half of this rate, at twice this rate, and
 * at half of this rate again, without waiting for earlier responses. Returns the times, and how many requests were not served.
 */
export function measureOverload({ driver, requests }) {
  return withService(async ({ service, grants, ca }) => {
    const source = new RequestSource(grants, 'csr');
    const run = async (count, load) =>
      driver.run({ port: service.port, ca, ...load, requests: await source.take(count) });
    await run(WARM_UP, { clients: TOP_CLIENTS });
    const top = await run(requests, { clients: TOP_CLIENTS });
    const halfRate = top.perSecond / 2;
    const half = await run(Math.ceil(halfRate * SECONDS), { clients: 500, perSecond: halfRate });
    const overRate = top.perSecond * OVERLOAD_FACTOR;
    const over = await run(Math.ceil(overRate * SECONDS), { clients: OVERLOAD_CLIENTS, perSecond: overRate });
    const after = await run(Math.ceil(halfRate), { clients: 500, perSecond: halfRate });
    return {
      topPerSecond: top.perSecond,
      halfP50Ms: half.p50Ms,
      halfP99Ms: half.p99Ms,
      halfNotServed: notServed(half),
      overPerSecond: overRate,
      overServedP99Ms: over.servedP99Ms,
      overServedPerSecond: (over.perSecond * (over.outcomes['200'] ?? 0)) / totalOf(over),
      overOutcomes: over.outcomes,
      afterNotServed: notServed(after),
    };
  });
}

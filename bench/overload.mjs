import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';

const WARM_UP = 3_000;
const TOP_CLIENTS = 32;
const SECONDS = 10;
// More than the service lets in at once, so that it is the service that says no.
const CROWD = 3_000;
const TIMES_TOO_MUCH = 2;

/**
 * The top rate of redemptions with 32 clients; then half of it, evenly spread; then twice of it, regardless of waiting requests. Gives the
 * times, and what was shed.
 */
export async function measureOverload({ driver, requests }) {
  const { directory, remove } = temporaryDirectory();
  const service = await startService(directory);
  try {
    const { grants, ca } = await makeGrants(directory);
    const source = new RequestSource(grants, 'csr');
    const run = async (count, order) =>
      driver.run({ port: service.port, ca, ...order, requests: await source.take(count) });
    await run(WARM_UP, { clients: TOP_CLIENTS });
    const top = await run(requests, { clients: TOP_CLIENTS });
    const halfRate = top.perSecond / 2;
    const half = await run(Math.ceil(halfRate * SECONDS), { clients: 500, perSecond: halfRate });
    const tooMuch = top.perSecond * TIMES_TOO_MUCH;
    const over = await run(Math.ceil(tooMuch * SECONDS), { clients: CROWD, perSecond: tooMuch });
    const after = await run(Math.ceil(halfRate), { clients: 500, perSecond: halfRate });
    return {
      topPerSecond: top.perSecond,
      halfP50Ms: half.p50Ms,
      halfP99Ms: half.p99Ms,
      halfNotServed: notServed(half),
      overPerSecond: tooMuch,
      overServedP99Ms: over.servedP99Ms,
      overServedPerSecond: (over.perSecond * (over.outcomes['200'] ?? 0)) / totalOf(over),
      overOutcomes: over.outcomes,
      afterNotServed: notServed(after),
    };
  } finally {
    await service.stop();
    remove();
  }
}

const totalOf = ({ outcomes }) => Object.values(outcomes).reduce((sum, count) => sum + count, 0);
const notServed = (measured) => totalOf(measured) - (measured.outcomes['200'] ?? 0);

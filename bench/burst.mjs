import { RequestSource } from './requests.mjs';
import { withService } from './servers.mjs';
import { notServed } from './statistics.mjs';

const SITES = 500;

/** Measures 500 stock sites that redeem at the same moment: how many are refused, and how long the last one waits. */
export function measureBurst({ driver }) {
  return withService(async ({ service, grants, ca }) => {
    const requests = await new RequestSource(grants, 'stock').take(SITES);
    const measured = await driver.run({ port: service.port, ca, clients: SITES, requests });
    const { perSecond, p50Ms, p99Ms, longestMs, driverCpuMs, outcomes } = measured;
    const times = { perSecond, p50Ms, p99Ms, longestMs, driverCpuMs };
    return { requests: SITES, clients: SITES, refused: notServed(measured), outcomes, ...times };
  });
}

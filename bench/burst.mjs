import { makeGrants, RequestSource } from './requests.mjs';
import { startService, temporaryDirectory } from './servers.mjs';

const SITES = 500;

/** Has 500 stock sites redeem at the same moment; gives how many were refused and how long the last one waited. */
export async function measureBurst({ driver }) {
  const { directory, remove } = temporaryDirectory();
  const service = await startService(directory);
  try {
    const { grants, ca } = await makeGrants(directory);
    const requests = await new RequestSource(grants, 'stock').take(SITES);
    const measured = await driver.run({ port: service.port, ca, clients: SITES, requests });
    const { perSecond, p50Ms, p99Ms, longestMs, driverCpuMs, outcomes } = measured;
    const refused = SITES - (outcomes['200'] ?? 0);
    return {
      requests: SITES,
      clients: SITES,
      refused,
      outcomes,
      perSecond,
      p50Ms,
      p99Ms,
      longestMs,
      driverCpuMs,
    };
  } finally {
    await service.stop();
    remove();
  }
}

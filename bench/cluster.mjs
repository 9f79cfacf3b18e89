import { randomUUID } from 'node:crypto';
import { openKubernetesClient } from '../dist/platforms/kubernetes/api/client.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../dist/platforms/kubernetes/api/kinds.js';
import { openCluster } from './cluster-services.mjs';
import { RequestSource } from './requests.mjs';
import { median, overallRate } from './statistics.mjs';

// Enough that redemptions always wait for the service.
const CLIENTS = 96;
const GRANTS = 100;
// Warm-up requests for each replica. After 1,500 the rate is still a tenth below the final one.
const WARM_UP = 4_000;
const ONE_GRANT = 1_000;
// Ends of the names of the rates.
const OVER_MANY_GRANTS = `over ${GRANTS} grants`;
const ON_ONE_GRANT = 'on one grant';
// The rates of rounds differ by a third, because the API server grows its memory in some rounds only.
const ROUNDS = 4;
const BURST = { redeemers: 300, limit: 100 };
const RAW = { clients: 8, objects: 750 };

/**
 * Measures the rates of redemptions in a cluster, of one and of three replicas, over many grants and on one. Each is also
 * returned as a share of the raw rate: the rate at which clients create the same objects directly on the API server while the
 * replicas watch them. Also measures how long the last request of a burst waits.
 */
export async function measureCluster({ driver, requests }) {
  const cluster = await openCluster();
  const maker = new GrantMaker(cluster);
  const rates = [];
  let burst;
  try {
    for (const replicas of [1, 3]) {
      const service = await cluster.start(replicas);
      try {
        const run = async (grants, count, clients = CLIENTS) => {
          const texts = await new RequestSource(grants, 'csr').take(count);
          return driver.run({ ports: service.ports, ca: grants[0].ca, clients, requests: texts });
        };
        const warmUp = WARM_UP * replicas;
        await run(await maker.make(GRANTS, Math.ceil(warmUp / GRANTS)), warmUp);
        const raw = [];
        const many = [];
        const one = [];
        const cases = [
          async () => many.push(await run(await maker.make(GRANTS, Math.ceil(requests / GRANTS)), requests)),
          async () => one.push(await run(await maker.make(1, ONE_GRANT), ONE_GRANT)),
        ];
        for (let round = 0; round < ROUNDS; round += 1) {
          // In alternating order, because work that a case leaves behind slows the next one.
          for (const measureCase of cases.reverse()) {
            raw.push(await rawRate(cluster));
            await measureCase();
          }
        }
        const rawPerSecond = overallRate(raw);
        rates.push({ ...rateOf(`${replicas} ${OVER_MANY_GRANTS}`, many, requests), rawPerSecond });
        rates.push({ ...rateOf(`${replicas} ${ON_ONE_GRANT}`, one, ONE_GRANT), rawPerSecond });
        if (replicas > 1) {
          burst = await run(await maker.make(1, BURST.limit), BURST.redeemers, BURST.redeemers);
        }
      } finally {
        await service.stop();
      }
    }
    const shares = rates.map((rate) => ({ ...rate, rawShare: rate.perSecond / rate.rawPerSecond }));
    const leastShareOf = (grants) =>
      Math.min(...shares.filter(({ what }) => what.endsWith(grants)).map(({ rawShare }) => rawShare));
    return {
      clusterRates: shares,
      manyGrantsRawShare: leastShareOf(OVER_MANY_GRANTS),
      oneGrantRawShare: leastShareOf(ON_ONE_GRANT),
      burstLongestMs: burst.longestMs,
      burstWronglyAnswered: wrongIn(burst.outcomes),
    };
  } finally {
    await cluster.stop();
  }
}

/** The overall rate of rounds of `count` requests each, and the medians of their times. Throws if a request was not served. */
function rateOf(what, rounds, count) {
  const wrong = rounds.find(({ outcomes }) => outcomes['200'] !== count);
  if (wrong) throw new Error(`${what}: not all ${count} were served: ${JSON.stringify(wrong.outcomes)}`);
  const middle = (figure) => median(rounds.map((round) => round[figure]));
  return {
    what,
    requests: rounds.length * count,
    perSecond: overallRate(rounds.map(({ perSecond }) => perSecond)),
    p50Ms: middle('p50Ms'),
    p99Ms: middle('p99Ms'),
    driverCpuMs: middle('driverCpuMs'),
  };
}

/** The number of requests of a burst with the wrong outcome. */
function wrongIn(outcomes) {
  const served = Math.abs((outcomes['200'] ?? 0) - BURST.limit);
  const refused = Math.abs((outcomes['404'] ?? 0) - (BURST.redeemers - BURST.limit));
  return served + refused;
}

/** Creates AccessGrants, and waits until they are Ready. */
export class GrantMaker {
  #cluster;
  #created = 0;

  constructor(cluster) {
    this.#cluster = cluster;
  }

  async make(count, redemptionsAllowed) {
    const { retryUntil } = await import('../test/support/retry-until.ts');
    const { admin, namespace } = this.#cluster;
    const make = async () => {
      const metadata = { namespace, name: `bench-${this.#created++}` };
      await admin.create(ACCESS_GRANTS, {
        apiVersion: 'skupper.io/v2alpha1',
        kind: 'AccessGrant',
        metadata,
        spec: { redemptionsAllowed, expirationWindow: '4h' },
      });
      const status = await retryUntil(`${metadata.name} to be Ready`, async () => {
        const grant = await admin.get(ACCESS_GRANTS, metadata);
        return grant.status?.status === 'Ready' && { uid: grant.metadata.uid, ...grant.status };
      });
      return { uid: status.uid, code: status.code, ca: status.ca };
    };
    const grants = [];
    while (grants.length < count) grants.push(await make());
    return grants;
  }
}

/** The rate at which clients create Redemptions like the recorded ones directly on the API server, per second. */
async function rawRate({ admin, kubeconfig, namespace }) {
  const { items } = await admin.list(REDEMPTIONS, { namespace }, { limit: 1 });
  const [{ metadata, spec, ...sample }] = items;
  const client = await openKubernetesClient({ kubeconfig: [kubeconfig] });
  try {
    const grantUid = randomUUID();
    let next = 0;
    const work = async () => {
      while (next < RAW.objects) {
        const slot = next++;
        const id = randomUUID();
        const labels = {
          ...metadata.labels,
          'linkgrant.dev/redemption-id': id,
          'linkgrant.dev/grant-uid': grantUid,
        };
        await client.create(REDEMPTIONS, {
          ...sample,
          metadata: { name: `${grantUid}-${slot}`, namespace, labels },
          spec: { ...spec, id, grantUid, slot },
        });
      }
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: RAW.clients }, work));
    return RAW.objects / ((performance.now() - start) / 1000);
  } finally {
    client.close();
  }
}

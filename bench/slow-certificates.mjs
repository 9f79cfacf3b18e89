import { setTimeout as sleep } from 'node:timers/promises';
import { SECRETS } from '../dist/platforms/kubernetes/api/kinds.js';
import { GrantMaker } from './cluster.mjs';
import { openCluster } from './cluster-services.mjs';
import { startDriver } from './driver-process.mjs';
import { RequestSource } from './requests.mjs';

const HONEST = { perSecond: 20, from: '127.0.0.2' };
const HOSTILE = { perSecond: 10, from: '127.0.0.66' };
// As long as the window in which the judgements of a namespace are counted.
const ROUND_S = 30;
const ROUNDS = 2;
const WARM_UP = { requests: 1_000, clients: 16 };
const GRANTS = { count: 20, uses: 1_000 };
// A refusal holds for minutes, until a certificate of the Secret changes.
const CHANGE_MS = 100;
const SECRET = 'skupper-site-server';
// As many as a Secret may have beside the CA of the site, 16 in each of its texts.
const IN_CERTIFICATE = 16;
const IN_TRUSTED = 14;

/**
 * The p99 of a tenant's redemptions in a cluster, alone and beside a tenant whose router certificates are slow to verify,
 * in turns: the ratio of both for each kind of certificates. Throws if the service does not judge the certificates.
 */
export async function measureSlowCertificates({ driver }) {
  const hostileDriver = await startDriver();
  const cluster = await openCluster();
  try {
    const service = await cluster.start(1);
    try {
      return await measure({ driver, hostileDriver, cluster, port: service.ports[0] });
    } finally {
      await service.stop();
    }
  } finally {
    hostileDriver.stop();
    await cluster.stop();
  }
}

async function measure({ driver, hostileDriver, cluster, port }) {
  const grants = await new GrantMaker(cluster).make(GRANTS.count, GRANTS.uses);
  const honest = new RequestSource(grants, 'csr');
  const ca = grants[0].ca;
  const tenant = await openHostileTenant(cluster);
  await driver.run({ port, ca, clients: WARM_UP.clients, requests: await honest.take(WARM_UP.requests) });
  // One client for each request, so that none waits for an earlier one.
  const run = (by, rate, requests) => by.run({ port, ca, ...rate, clients: requests.length, requests });
  const redeem = async () => run(driver, HONEST, await honest.take(HONEST.perSecond * ROUND_S));
  const rows = (await certificateKinds()).map((kind) => ({ kind, alone: [], beside: [] }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { kind, alone, beside } of rows) {
      alone.push(await redeem());
      const requests = await tenant.take(HOSTILE.perSecond * ROUND_S);
      const changes = await tenant.startChanges(kind);
      try {
        const [measured, hostile] = await Promise.all([redeem(), run(hostileDriver, HOSTILE, requests)]);
        assertJudged(kind, hostile);
        beside.push(measured);
      } finally {
        await changes.stop();
      }
    }
  }
  // The first two rows are without slow certificates, for comparison.
  const figures = rows.map(({ kind, alone, beside }) => rowOf(kind.what, alone, beside));
  return {
    besideSlow: figures,
    greatestP99Ratio: Math.max(...figures.slice(2).map(({ p99Ratio }) => p99Ratio)),
    notServed: figures.reduce((sum, { notServed }) => sum + notServed, 0),
  };
}

/**
 * None, none in a Secret as large as the largest below, and certificates that are slow to verify: with keys that are not
 * accepted, and with accepted ones that use all checks.
 */
async function certificateKinds() {
  const { endlessChain, slowCertificates } = await import('../test/support/slow-certificates.ts');
  const count = IN_CERTIFICATE + IN_TRUSTED;
  return [
    { what: 'none', certificates: [] },
    { what: 'none, 165 KB', certificates: [], padding: `${'#'.repeat(63)}\n`.repeat(2_600) },
    { what: 'DSA, 10,000 bits', certificates: slowCertificates('dsa-10000', count, 'slow') },
    { what: 'RSA, 4,096 bits', certificates: slowCertificates('rsa-4096', count, 'slow') },
    { what: 'P-521, a chain', certificates: endlessChain(count, 'slow') },
  ];
}

/**
 * A tenant with a site and an AccessGrant. `take` makes redemptions of this grant; `startChanges` puts certificates into the
 * Secret of the router and changes the Secret every 100 ms until `stop`.
 */
async function openHostileTenant({ admin, tenant }) {
  const namespace = await tenant('slow');
  const key = { namespace, name: SECRET };
  const source = new RequestSource(await new GrantMaker({ admin, namespace }).make(1, GRANTS.uses), 'csr');
  const { data: own } = await admin.get(SECRETS, key);
  const patchData = (texts) => {
    const data = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
    );
    return admin.patch(SECRETS, key, { data });
  };
  return {
    take: (count) => source.take(count),
    async startChanges({ certificates, padding = '' }) {
      const pem = (name, added) => Buffer.from(own[name], 'base64').toString() + added.join('');
      const trusted = pem('ca.crt', certificates.slice(IN_CERTIFICATE));
      const slow = certificates.slice(0, IN_CERTIFICATE).join('') || pem('tls.crt', [padding]);
      let changes = 0;
      let stopped = false;
      const change = () => patchData({ 'ca.crt': trusted, 'tls.crt': `${slow}# ${changes++}\n` });
      const changeUntilStopped = async () => {
        while (!stopped) await Promise.all([change(), sleep(CHANGE_MS)]);
      };
      await change();
      const done = changeUntilStopped();
      // Awaited by `stop`.
      done.catch(() => undefined);
      return {
        stop() {
          stopped = true;
          return done;
        },
      };
    },
  };
}

/**
 * Throws an Error unless the certificates had the effect that they must have. Redemptions that timed out are allowed: without
 * limits the service is that slow.
 */
function assertJudged({ what, certificates }, { outcomes, sample }) {
  const served = outcomes['200'] ?? 0;
  const isRight = certificates.length === 0 ? served > 0 : served === 0 && /^$|issuer_untrusted/.test(sample);
  if (!isRight) throw new Error(`beside ${what}: ${JSON.stringify(outcomes)}, ${sample}`);
}

function rowOf(what, alone, beside) {
  const mean = (rounds, figure) => rounds.reduce((sum, round) => sum + round[figure], 0) / rounds.length;
  const served = [...alone, ...beside].reduce((sum, { outcomes }) => sum + (outcomes['200'] ?? 0), 0);
  const aloneP99Ms = mean(alone, 'p99Ms');
  const besideP99Ms = mean(beside, 'p99Ms');
  return {
    what,
    notServed: 2 * ROUNDS * ROUND_S * HONEST.perSecond - served,
    aloneP50Ms: mean(alone, 'p50Ms'),
    besideP50Ms: mean(beside, 'p50Ms'),
    aloneP99Ms,
    besideP99Ms,
    p99Ratio: besideP99Ms / aloneP99Ms,
  };
}

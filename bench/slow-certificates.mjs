import { setTimeout as sleep } from 'node:timers/promises';
import { SECRETS } from '../dist/platforms/kubernetes/api/kinds.js';
import { GrantMaker } from './cluster.mjs';
import { openCluster } from './cluster-services.mjs';
import { startDriver } from './driver-process.mjs';
import { RequestSource } from './requests.mjs';

const HONEST = { perSecond: 20, from: '127.0.0.2' };
const HOSTILE = { perSecond: 10, from: '127.0.0.66' };
// The window, in seconds, of the service's limit on the CPU time for checking the certificates of a namespace.
const ROUND_S = 30;
const ROUNDS = 2;
const WARM_UP = { requests: 1_000, clients: 16 };
const GRANTS = { count: 20, uses: 1_000 };
// A refusal is cached for minutes, unless a certificate of the Secret changes.
const CHANGE_MS = 100;
const SECRET = 'skupper-site-server';
// Numbers of slow certificates in tls.crt and in ca.crt of the Secret. Each may have 16; ca.crt also has the CA of the site.
const IN_CERTIFICATE = 16;
const IN_TRUSTED = 14;

/**
 * Measures the p99 of a tenant's redemptions in a cluster, for each kind of certificates that are slow to verify: alone, beside a
 * tenant with usual certificates, and beside a tenant with slow certificates. The Secrets of both tenants have the same size and
 * change equally often, because the changes themselves load the API server. Throws if the service does not verify the
 * certificates.
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
  const measureBeside = async (kind) => {
    const requests = await tenant.take(HOSTILE.perSecond * ROUND_S);
    const changes = await tenant.startChanges(kind);
    try {
      const [measured, hostile] = await Promise.all([redeem(), run(hostileDriver, HOSTILE, requests)]);
      assertVerified(kind, hostile);
      return measured;
    } finally {
      await changes.stop();
    }
  };
  const rows = (await certificateKinds()).map((kind) => ({ kind, alone: [], usual: [], slow: [] }));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { kind, alone, usual, slow } of rows) {
      const { length } = kind.certificates.join('');
      usual.push(await measureBeside({ what: 'usual', certificates: [], length }));
      // After this round the verifications of the usual certificates are out of the window, so that the slow ones are verified.
      alone.push(await redeem());
      slow.push(await measureBeside(kind));
    }
  }
  const figures = rows.map(rowOf);
  return {
    besideSlow: figures,
    greatestP99Ratio: Math.max(...figures.map(({ p99Ratio }) => p99Ratio)),
    notServed: figures.reduce((sum, { notServed }) => sum + notServed, 0),
  };
}

/**
 * Certificates that are slow to verify: some kinds have keys that the service does not accept. The certificates of the others
 * have accepted keys, and are so many that the service reaches its limit of signature checks.
 */
async function certificateKinds() {
  const { endlessChain, slowCertificates } = await import('../test/support/slow-certificates.ts');
  const count = IN_CERTIFICATE + IN_TRUSTED;
  return [
    { what: 'DSA, 10,000 bits', certificates: slowCertificates('dsa-10000', count, 'slow') },
    { what: 'RSA, 4,096 bits', certificates: slowCertificates('rsa-4096', count, 'slow') },
    { what: 'P-521, a chain', certificates: endlessChain(count, 'slow') },
  ];
}

/**
 * Creates a tenant with a site and AccessGrants. `take` creates redemptions of these grants. `startChanges` writes certificates,
 * or a comment of `length` characters, into the Secret of the router, and changes the Secret every 100 ms until `stop`.
 */
async function openHostileTenant({ admin, tenant }) {
  const namespace = await tenant('slow');
  const key = { namespace, name: SECRET };
  const source = new RequestSource(await new GrantMaker({ admin, namespace }).make(3, GRANTS.uses), 'csr');
  const { data: own } = await admin.get(SECRETS, key);
  const patchData = (texts) => {
    const data = Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
    );
    return admin.patch(SECRETS, key, { data });
  };
  return {
    take: (count) => source.take(count),
    async startChanges({ certificates, length = 0 }) {
      const pem = (name, added) => Buffer.from(own[name], 'base64').toString() + added.join('');
      const trusted = pem('ca.crt', certificates.slice(IN_CERTIFICATE));
      const certificate =
        certificates.slice(0, IN_CERTIFICATE).join('') || pem('tls.crt', ['#'.repeat(length), '\n']);
      let changes = 0;
      let stopped = false;
      const change = () => patchData({ 'ca.crt': trusted, 'tls.crt': `${certificate}# ${changes++}\n` });
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
 * Throws an Error unless redemptions of usual certificates were served, and those of slow certificates were refused or timed out.
 */
function assertVerified({ what, certificates }, { outcomes, sample }) {
  const served = outcomes['200'] ?? 0;
  const isRight =
    certificates.length === 0 ? served > 0 : served === 0 && /^$|issuer_untrusted|overloaded/.test(sample);
  if (!isRight) throw new Error(`beside ${what}: ${JSON.stringify(outcomes)}, ${sample}`);
}

function rowOf({ kind: { what }, alone, usual, slow }) {
  const mean = (rounds) => rounds.reduce((sum, { p99Ms }) => sum + p99Ms, 0) / rounds.length;
  const rounds = [...alone, ...usual, ...slow];
  const served = rounds.reduce((sum, { outcomes }) => sum + (outcomes['200'] ?? 0), 0);
  return {
    what,
    notServed: rounds.length * ROUND_S * HONEST.perSecond - served,
    aloneP99Ms: mean(alone),
    usualP99Ms: mean(usual),
    slowP99Ms: mean(slow),
    p99Ratio: mean(slow) / mean(usual),
  };
}

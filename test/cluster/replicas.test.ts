import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { ACCESS_GRANTS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Stored } from '../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { type Serving, Workplace } from '../support/command-line.js';
import { metricOf } from '../support/operations.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import type { WireResponse } from '../support/wire.js';
import { putSite } from './harness/cluster-sites.js';
import { linkgrantAccount } from './harness/linkgrant-account.js';
import { post } from './harness/post.js';
import { type Replica, type Replicas, startReplicas } from './harness/replicas.js';
import { createGrant, readyGrant, redemptionsOf } from './harness/served.js';
import { openTestCluster } from './harness/test-cluster.js';

const SITES = 300;
const LIMIT = 100;

type Grant = Stored<AccessGrantResource>;

let workplace: Workplace;
let replicas: Replicas;

const cluster = releaseAfterFile(await openTestCluster());
const account = await linkgrantAccount(cluster);
const west = await cluster.namespace();
await putSite(cluster.admin, west);
beforeEach(async () => {
  workplace = releaseAfterTest(new Workplace());
  replicas = releaseAfterTest(await startReplicas(workplace, account.kubeconfig, 3));
});

/** A site that redeems, with a key of its own that it keeps. */
interface RedeemingSite {
  readonly subject: string;
  readonly csr: string;
}

const sites = (): RedeemingSite[] =>
  Array.from({ length: SITES }, (_, number) => ({ subject: `site-${number}`, ...csrHeader() }));

function redeemAt(
  { serving }: Replica,
  grant: Grant,
  { subject, csr }: RedeemingSite,
): Promise<WireResponse> {
  return post(serving, grant, subject, { csr });
}

/**
 * Redeems as a site does: if the connection breaks or the response is 503, which counts no use, repeats the request at the next
 * replica. The first one has the number `index`, modulo the number of replicas. `onRequest` is called for each request.
 */
async function redeemUntilAnswered(
  grant: Grant,
  site: RedeemingSite,
  index: number,
  { all = replicas.all, onRequest = () => {} } = {},
): Promise<WireResponse> {
  const end = performance.now() + 120_000;
  for (let turn = 0; performance.now() < end; turn += 1) {
    onRequest();
    const replica = all[(index + turn) % all.length] as Replica;
    const answer = await redeemAt(replica, grant, site).catch(() => undefined);
    if (answer && answer.status !== 503) return answer;
    await sleep(500);
  }
  throw new Error(`${site.subject} got no answer`);
}

/**
 * Counts the creations of Redemptions by all replicas. For each n of `numbers`, kills the replica that sends the nth creation,
 * before it receives the response. Returns a set to which each killed replica is added.
 */
function killAtCreates(...numbers: readonly number[]): ReadonlySet<Serving> {
  const killed = new Set<Serving>();
  let creates = 0;
  for (const { serving, proxy } of replicas.all) {
    proxy.decide(({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/redemptions') || killed.has(serving)) return 'pass';
      creates += 1;
      if (numbers.includes(creates)) {
        killed.add(serving);
        serving.signal('SIGKILL');
      }
      return 'pass';
    });
  }
  return killed;
}

/** The issued certificates as PEM, and the refused responses. Asserts that each refusal is `404 No such access granted`. */
function outcomesOf(answers: readonly WireResponse[]) {
  const given = answers.filter(({ status }) => status === 200).map((one) => redeemedAnswer(one).certificate);
  const refused = answers.filter(({ status }) => status !== 200);
  for (const { status, body } of refused)
    expect(`${status} ${body.trim()}`).toBe('404 No such access granted');
  return { given, refused };
}

describe('three replicas of the service', () => {
  it('issue exactly 100 certificates of a grant of 100 uses to 300 sites, with at most 5 API requests for each redemption request, and repeat each response', async () => {
    const grant = await readyGrant(cluster, west, 'shared', { redemptionsAllowed: LIMIT });
    const before = replicas.requests();
    const all = sites();
    let posted = 0;
    const redeem = (site: RedeemingSite, index: number) =>
      redeemUntilAnswered(grant, site, index, {
        onRequest: () => {
          posted += 1;
        },
      });
    const answers = await Promise.all(all.map(redeem));
    const { given } = outcomesOf(answers);
    expect(new Set(given).size).toBe(LIMIT);
    expect(given).toHaveLength(LIMIT);
    const recorded = await redemptionsOf(cluster, grant.metadata);
    expect(recorded.map(({ spec }) => spec.certificate.pem).sort()).toEqual([...given].sort());
    expect(new Set(recorded.map(({ spec }) => spec.slot)).size).toBe(LIMIT);
    // The requests include the writes of the grant's status and of the Events.
    await retryUntil(
      'the end of the grant',
      async () => (await read('shared')).status?.status === 'Exhausted',
    );
    expect(replicas.requests() - before).toBeLessThanOrEqual(5 * posted);

    const again = await Promise.all(all.map((site, index) => redeemUntilAnswered(grant, site, index + 1)));
    const parts = (one: WireResponse) => (one.status === 200 ? redeemedAnswer(one).certificate : one.status);
    expect(again.map(parts)).toEqual(answers.map(parts));
    expect(await redemptionsOf(cluster, grant.metadata)).toHaveLength(LIMIT);
  });

  it('spend no use twice, and lose none, when they are killed', async () => {
    const grant = await readyGrant(cluster, west, 'killed', { redemptionsAllowed: LIMIT });
    const all = sites();
    const killed = killAtCreates(10, 40);
    const answers = await Promise.all(all.map((site, index) => redeemUntilAnswered(grant, site, index)));
    expect(killed.size).toBe(2);
    for (const { ended } of killed) expect((await ended).signal).toBe('SIGKILL');

    const { given } = outcomesOf(answers);
    expect(new Set(given).size).toBe(LIMIT);
    expect(given).toHaveLength(LIMIT);
    const recorded = await redemptionsOf(cluster, grant.metadata);
    expect(recorded.map(({ spec }) => spec.certificate.pem).sort()).toEqual([...given].sort());

    // A replica that is started later answers as the killed ones did.
    const fresh = releaseAfterTest(await startReplicas(workplace, account.kubeconfig, 1));
    const again = await Promise.all(
      all.slice(0, 30).map((site) => redeemUntilAnswered(grant, site, 0, { all: fresh.all })),
    );
    expect(again.map(({ status }) => status)).toEqual(answers.slice(0, 30).map(({ status }) => status));
    expect(outcomesOf(again).given).toEqual(outcomesOf(answers.slice(0, 30)).given);
    expect(await redemptionsOf(cluster, grant.metadata)).toHaveLength(LIMIT);
  });

  it('count redemptions first when they replace a leader that was killed before it counted them', async () => {
    const place = await cluster.namespace();
    await putSite(cluster.admin, place);
    for (let index = 0; index < 200; index += 1) await createGrant(cluster, place, `other-${index}`);
    // The replicas read this grant last.
    const grant = await readyGrant(cluster, place, 'counted');
    await retryUntil('the status of all grants', async () => {
      const { items } = await cluster.admin.listAll<AccessGrantResource>(ACCESS_GRANTS, { namespace: place });
      return items.every(({ status }) => status?.status === 'Ready');
    });
    const leader = await leaderOf(replicas.all);
    const others = replicas.all.filter((replica) => replica !== leader);
    for (const { serving } of others) expect(serving.said.stderr).not.toContain('"event":"started_leading"');
    await retryUntil('the line in the log', async () =>
      leader.serving.said.stderr.includes('"event":"started_leading"'),
    );
    // It cannot count the redemption before it is killed.
    leader.proxy.decide(({ method }) => (method === 'PATCH' ? 'drop' : 'pass'));
    const standby = others[0] as Replica;
    expect((await redeemAt(standby, grant, { subject: 'a', ...csrHeader() })).status).toBe(200);
    leader.serving.signal('SIGKILL');
    await leader.serving.ended;
    // The replica that redeemed has read the grant already.
    const counts = new Map(others.map((replica) => [replica, replica.proxy.requests.length]));
    const next = await leaderOf(others);
    await retryUntil('the count', async () => (await read('counted', place)).status?.redemptions === 1);
    const reads = next.proxy.requests
      .slice(counts.get(next))
      .filter(({ path }) => path.includes(`/namespaces/${place}/accessgrants/`));
    expect(reads[0]?.path).toMatch(/\/counted$/);
  });
});

/** Waits until exactly one of these replicas leads, by its metric. */
function leaderOf(all: readonly Replica[]): Promise<Replica> {
  return retryUntil('the leader', async () => {
    const values = await Promise.all(all.map(({ serving }) => metricOf(serving, 'linkgrant_leading')));
    const leading = all.filter((_, index) => values[index] === 1);
    return leading.length === 1 && leading[0];
  });
}

function read(name: string, namespace = west): Promise<Grant> {
  return cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
}

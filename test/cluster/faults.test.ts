import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, SITES } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Stored } from '../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { type Serving, Workplace } from '../support/command-line.js';
import { metricOf, readOperations } from '../support/operations.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { type ApiProxy, type Fate, type ProxiedRequest, startApiProxy } from './harness/api-proxy.js';
import { putSite } from './harness/cluster-sites.js';
import { startController } from './harness/controller.js';
import { linkgrantAccount } from './harness/linkgrant-account.js';
import { post } from './harness/post.js';
import { readyz } from './harness/replicas.js';
import { readyGrant, redemptionsOf, serveCluster } from './harness/served.js';
import { openTestCluster } from './harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster({ own: true }));
const account = await linkgrantAccount(cluster);
const west = await cluster.namespace();
await putSite(cluster.admin, west);

let touches = 0;
const touched = () => ({ metadata: { annotations: { touched: String(++touches) } } });
const isWatch = ({ path }: { readonly path: string }) => path.includes('watch=true');

const PROBLEM = 'application/problem+json';

const GONE = JSON.stringify({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  reason: 'Expired',
  code: 410,
});

describe('the grant controller', () => {
  it.each<[string, Fate]>([
    ['are answered with 500', { status: 500 }],
    ['are answered with 410', { status: 410, body: GONE }],
    ['report 410 in their stream', { status: 200, body: `{"type":"ERROR","object":${GONE}}\n` }],
    ['are cut in the middle of a line', { cutAfterBytes: 700 }],
    ['are dropped', 'drop'],
    ['end with an incomplete event', { status: 200, body: '{"type":"ADDED","obj' }],
  ])('restarts watches that %s', async (what, fate) => {
    const one = releaseAfterTest(await startController(account.kubeconfig));
    await retryUntil('the lead', async () => one.controller.isLeading && !one.controller.problem());
    let broken = 0;
    one.proxy.decide((request) => {
      if (!isWatch(request) || broken >= 12) return 'pass';
      broken += 1;
      return fate;
    });
    one.proxy.breakOff(isWatch);
    await retryUntil(
      'every watch to break again and again',
      async () => {
        // `cutAfterBytes` needs an event to cut.
        await cluster.admin.patch(SITES, { namespace: west, name: 'west' }, touched());
        return broken >= 12;
      },
      90_000,
    );
    const name = what.replace(/[^a-z0-9]+/g, '-');
    const grant = await readyGrant(cluster, west, name);
    expect(await one.controller.grants.locate(grant.metadata.uid)).toMatchObject({ name, namespace: west });
    await retryUntil('health', async () => one.controller.problem() === undefined);
  });
});

describe('the log of the service', () => {
  it('has an expired watch at level info without a stack, and other failures of a watch as warnings', async () => {
    const { serving, proxy } = await serveThroughProxy();
    const logged = (status: number) =>
      serving.said.stderr
        .split('\n')
        .filter((line) => line.includes('"cluster_failed"') && line.includes(`HTTP ${status}`))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const fate of [{ status: 410, body: GONE }, { status: 500 }]) {
      proxy.decide((request) => (isWatch(request) ? fate : 'pass'));
      proxy.breakOff(isWatch);
      await retryUntil(`a line about ${fate.status}`, async () => logged(fate.status).length > 0);
    }
    for (const { level, err, reason } of logged(410)) {
      expect([level, err]).toEqual(['info', undefined]);
      expect(reason).toMatch(/^watch \S+: HTTP 410 \(Expired\)$/);
    }
    expect(logged(500)[0]).toMatchObject({ level: 'warn', err: { stack: expect.any(String) } });
  });
});

describe('a replica with a delayed watch', () => {
  it('redeems a token that its watch has not reported yet, and answers 503 while it cannot list grants', async () => {
    const leader = releaseAfterTest(await startController(account.kubeconfig));
    await retryUntil('the lead', async () => leader.controller.isLeading);
    const { serving, proxy } = await serveThroughProxy();
    // From here on every watch is open, but reports nothing.
    const silent = new Set<string>();
    proxy.decide((request) => {
      if (!isWatch(request)) return 'pass';
      silent.add(request.path.split('?')[0] ?? '');
      return 'silent';
    });
    proxy.breakOff(isWatch);
    await retryUntil('every watch to be silent', async () => silent.size === 4);
    const grant = await readyGrant(cluster, west, 'young');
    const listed = proxy.requests.length;
    expect(await post(serving, grant)).toMatchObject({ status: 200 });
    const asked = proxy.requests.slice(listed).map(({ path }) => path);
    expect(asked.some((path) => path.includes('accessgrants?'))).toBe(true);

    const other = await readyGrant(cluster, west, 'younger');
    proxy.decide(({ path, method }) =>
      method === 'GET' && path.includes('accessgrants?') ? 'drop' : 'pass',
    );
    const unsure = await post(serving, other);
    expect(unsure).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
    proxy.decide(() => 'pass');
    // The next listing starts only after nine times the duration of the failed one.
    await retryUntil('the redemption', async () => (await post(serving, other)).status === 200);
  });
});

describe('requests for unknown grants', () => {
  it('do not reduce the capacity for redemptions while a listing hangs: 100 wait, the others get 503 at once', async () => {
    const leader = releaseAfterTest(await startController(account.kubeconfig));
    await retryUntil('the lead', async () => leader.controller.isLeading);
    const { serving, proxy } = await serveThroughProxy();
    const grant = await readyGrant(cluster, west, 'undisturbed', { redemptionsAllowed: 2 });
    expect(await post(serving, grant)).toMatchObject({ status: 200 });
    const isListing = ({ path }: { readonly path: string }) =>
      path.includes('accessgrants?') && !path.includes('watch=true');
    proxy.decide((request) => (isListing(request) ? 'silent' : 'pass'));
    const unknown = () => ({ ...grant, metadata: { ...grant.metadata, uid: randomUUID() } });
    const refusals: string[] = [];
    const count = (code: string) => refusals.filter((refusal) => refusal === code).length;
    const waiting = Array.from({ length: 130 }, async () => {
      const refuse = () => post(serving, unknown(), 'a-site', { accept: PROBLEM });
      // On a slow machine a handshake may exceed the service's time limit.
      const { status, body } = await retryUntil('a response', refuse);
      expect(status).toBe(503);
      refusals.push(JSON.parse(body).code);
    });
    await retryUntil('30 refusals', async () => count('overloaded') >= 30);
    expect(await metricOf(serving, 'linkgrant_requests_in_flight')).toBe(0);
    expect(await post(serving, grant, 'another-site')).toMatchObject({ status: 200 });
    // These waited for the listing, at most as long as the service lets a client wait.
    await Promise.all(waiting);
    expect(count('store_unavailable')).toBeGreaterThan(0);
    expect(count('store_unavailable')).toBeLessThanOrEqual(100);
    expect(count('store_unavailable') + count('overloaded')).toBe(130);

    proxy.decide(() => 'pass');
    proxy.breakOff(isListing);
    // The next listing starts only after nine times the duration of the one that was cut off.
    await retryUntil('a listing', async () => (await post(serving, unknown())).status === 404);
  });
});

describe('an API server that hangs', () => {
  it.each([
    ['reads of grants', ({ path }: ProxiedRequest) => /accessgrants\/[^?]*$/.test(path)],
    ['every request', () => true],
  ])(
    'in %s leads to 503 before the clients give up, also if they wait for each other',
    async (_what, hangs) => {
      const leader = releaseAfterTest(await startController(account.kubeconfig));
      await retryUntil('the lead', async () => leader.controller.isLeading);
      const { serving, proxy } = await serveThroughProxy();
      const grant = await readyGrant(cluster, west, `hanging-${randomUUID()}`, { redemptionsAllowed: 9 });
      await retryUntil('the grant to be known', async () => (await post(serving, grant)).status === 200);
      proxy.decide((request) => (hangs(request) ? 'silent' : 'pass'));
      const before = proxy.requests.length;
      const first = post(serving, grant, 'first');
      await retryUntil('a read that hangs', async () => proxy.requests.slice(before).some(hangs));
      // Its read of the grant starts when that of the first one has ended.
      const second = post(serving, grant, 'second');
      // Skupper's client gives up after 10 s. Longer for a slow machine, but shorter than two consecutive reads that hang.
      const givesUp = sleep(18_000, 'no response', { ref: false });
      const statusOf = async (answer: ReturnType<typeof post>) => (await answer).status;
      expect(await Promise.race([statusOf(second), givesUp])).toBe(503);
      expect(await statusOf(first)).toBe(503);
      proxy.decide(() => 'pass');
      proxy.breakOff(() => true);
      await retryUntil('redemptions', async () => (await post(serving, grant, 'third')).status === 200);
      const subjects = (await redemptionsOf(cluster, grant.metadata)).map(({ spec }) => spec.subject);
      expect(subjects.sort()).toEqual(['a-site', 'third']);
    },
  );
});

describe('an API server that stops under load', () => {
  it('leads to 503 responses that spend no use, and redemptions continue after its restart', async () => {
    const controlPlane = cluster.ownControlPlane();
    const serving = await serveCluster(releaseAfterTest(new Workplace()), account.kubeconfig);
    const grant = await readyGrant(cluster, west, 'loaded', { redemptionsAllowed: 20_000 });
    const load = new Load(serving, grant);
    await retryUntil('redemptions', async () => load.count(200) >= 20);
    await controlPlane.stopApiServer();
    const before = load.count(503);
    await retryUntil('refusals', async () => load.count(503) >= before + 100);
    await retryUntil('the replica not to be ready', async () => (await readyz(serving)) === 503);
    // The cluster counts as not ready after 30 s without an answer. By then the controller no longer leads, and every back-off
    // is at its maximum.
    await retryUntil(
      'readyz to report the cluster as not ready',
      async () => !(await knowsCluster(serving)),
      120_000,
    );
    controlPlane.startApiServer();
    const redeemed = load.count(200);
    await retryUntil('redemptions again', async () => load.count(200) >= redeemed + 20, 120_000);
    await retryUntil('readiness', async () => (await readyz(serving)) === 200, 120_000);
    await load.stop();

    expect(new Set(load.answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
    for (const { status, headers } of load.answers)
      if (status === 503) expect(headers['retry-after']).toMatch(/^\d+$/);
    const recorded = await redemptionsOf(cluster, grant.metadata);
    const received = load.count(200);
    expect(load.failed).toBeLessThan(load.answers.length / 10);
    // A redemption whose response was lost is recorded too. There are at most as many of these as lanes plus failed requests.
    expect(recorded.length).toBeGreaterThanOrEqual(received);
    expect(recorded.length).toBeLessThanOrEqual(received + load.lanes + load.failed);
    await retryUntil('the count', async () => {
      const key = { namespace: west, name: 'loaded' };
      const { status } = await cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, key);
      return status?.redemptions === recorded.length;
    });
    // The controller has a leader again.
    await readyGrant(cluster, west, 'afterwards');
  });
});

/** Starts the built service behind a proxy for the current test. Resolves once it is ready. */
async function serveThroughProxy(): Promise<{ readonly serving: Serving; readonly proxy: ApiProxy }> {
  const proxy = releaseAfterTest(await startApiProxy(account.kubeconfig));
  const serving = await serveCluster(releaseAfterTest(new Workplace()), proxy.kubeconfig);
  await retryUntil('readiness', async () => (await readyz(serving)) === 200);
  return { serving, proxy };
}

/** Redeems a grant, each time for another subject, with `lanes` concurrent requests until it is stopped. */
class Load {
  readonly lanes = 4;
  readonly answers: Awaited<ReturnType<typeof post>>[] = [];
  /** Number of requests without a response. */
  failed = 0;
  #stopped = false;
  readonly #ended: Promise<unknown>;

  constructor(serving: Serving, grant: Stored<AccessGrantResource>) {
    const lane = async (number: number) => {
      for (let turn = 0; !this.#stopped && turn < 5_000; turn += 1) {
        // On a slow machine a handshake may exceed the service's time limit.
        const answer = await post(serving, grant, `s-${number}-${turn}`).catch(() => undefined);
        if (answer) this.answers.push(answer);
        else this.failed += 1;
        await sleep(20);
      }
    };
    this.#ended = Promise.all(Array.from({ length: this.lanes }, (_, number) => lane(number)));
  }

  count(status: number): number {
    return this.answers.filter((answer) => answer.status === status).length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }
}

async function knowsCluster(service: Serving): Promise<boolean> {
  return JSON.parse((await readOperations(service, '/readyz')).text).parts.cluster.ready;
}

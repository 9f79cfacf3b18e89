import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, EVENTS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { putSite } from '../harness/cluster-sites.js';
import { type RunningController, startController } from '../harness/controller.js';
import { linkgrantAccount } from '../harness/linkgrant-account.js';
import { createGrant } from '../harness/served.js';
import { openTestCluster } from '../harness/test-cluster.js';

const DISABLED = 'AccessGrants are not enabled';

let running: RunningController | undefined;

const cluster = releaseAfterFile(await openTestCluster());
const account = await linkgrantAccount(cluster);
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function lead(): Promise<RunningController> {
  running = await startController(account.kubeconfig);
  const { controller } = running;
  await retryUntil('the lead', async () => controller.isLeading);
  return running;
}

/** Creates a namespace with a site and `count` grants: one third expires, one third is invalid, one third is Ready. */
async function grantsIn(count: number): Promise<string> {
  const namespace = await cluster.namespace();
  await putSite(cluster.admin, namespace);
  for (let index = 0; index < count; index += 1) {
    const spec = index % 3 === 0 ? { expirationWindow: '1s' } : index % 3 === 1 ? { code: 'short' } : {};
    await createGrant(cluster, namespace, `g-${index}`, spec);
  }
  return namespace;
}

async function grantsOf(namespace: string) {
  return (await cluster.admin.listAll<AccessGrantResource>(ACCESS_GRANTS, { namespace })).items;
}

/** Waits until a controller has read the `count` grants of a namespace after its first `since` requests. */
async function waitForReads(
  { proxy }: Pick<RunningController, 'proxy'>,
  namespace: string,
  since: number,
  count: number,
) {
  await retryUntil('a read of every grant', async () => {
    const seen = proxy.requests
      .slice(since)
      .filter(
        ({ method, path }) => method === 'GET' && path.includes(`/namespaces/${namespace}/accessgrants/g-`),
      );
    return new Set(seen.map(({ path }) => path)).size === count;
  });
}

describe('the status of AccessGrants', () => {
  it('is written once for each change, and not when a new leader processes 200 settled grants', async () => {
    const first = await lead();
    const west = await grantsIn(200);
    await retryUntil('settled grants', async () => {
      const grants = await grantsOf(west);
      const states = grants.map(({ status }) => status?.status);
      return ['Expired', 'Error', 'Ready'].every(
        (state, index) => states.filter((found) => found === state).length === (index < 2 ? 67 : 66),
      );
    });
    // The counts for the metrics come from the watches.
    const counts = { pending: 67, ready: 66, expired: 67, exhausted: 0, revoked: 0 };
    await retryUntil('the counts', async () => {
      const found = first.controller.countGrants(Date.now());
      return JSON.stringify(found) === JSON.stringify(counts);
    });
    const before = await grantsOf(west);
    await first.stop();
    // The next leader has cached nothing, and reads every grant.
    const second = await lead();
    await waitForReads(second, west, 0, 200);
    // Grants are processed in order: once `last` is Ready, all earlier ones have been processed.
    await createGrant(cluster, west, 'last');
    await retryUntil('the last grant', async () => (await read(west, 'last')).status?.status === 'Ready');
    expect(second.writes().filter((write) => !write.includes('/last/'))).toEqual([]);
    const after = (await grantsOf(west)).filter(({ metadata }) => metadata.name !== 'last');
    expect(after).toEqual(before);
  });

  it('is not written again when another controller keeps changing the message', async () => {
    const west = await grantsIn(20);
    const { proxy, writes } = await lead();
    await retryUntil('settled grants', async () => {
      const states = (await grantsOf(west)).map(({ status }) => status?.status);
      return states.filter((state) => state === 'Expired').length === 7 && !states.includes(undefined);
    });
    const written = writes().length;
    for (let round = 0; round < 5; round += 1) {
      const since = proxy.requests.length;
      for (let index = 0; index < 20; index += 1) {
        const key = { namespace: west, name: `g-${index}` };
        const status = { message: `${DISABLED}${' '.repeat(round)}` };
        await cluster.admin.patch(ACCESS_GRANTS, key, { status }, { subresource: 'status' });
      }
      await waitForReads({ proxy }, west, since, 20);
    }
    expect(writes().slice(written)).toEqual([]);
    expect((await read(west, 'g-2')).status).toMatchObject({ status: 'Ready', message: `${DISABLED}    ` });
  });

  it('is left to another controller that rewrites the url again and again, and an Event reports this', async () => {
    const west = await grantsIn(0);
    const { writes, takeovers } = await lead();
    await createGrant(cluster, west, 'fought');
    const foreign = { url: 'https://skupper.example.com/x', ca: 'its CA\n' };
    const key = { namespace: west, name: 'fought' };
    let rewrites = 0;
    const fighting = new AbortController();
    const fight = (async () => {
      while (!fighting.signal.aborted) {
        const { status } = await read(west, 'fought');
        if (status?.url !== undefined && status.url !== foreign.url) {
          await cluster.admin.patch(ACCESS_GRANTS, key, { status: foreign }, { subresource: 'status' });
          rewrites += 1;
        }
        await sleep(5);
      }
    })();
    const left = await retryUntil('the condition', async () => {
      const grant = await read(west, 'fought');
      return grant.status?.conditions?.some(
        ({ type, status }) => type === 'ForeignController' && status === 'True',
      )
        ? grant
        : undefined;
    });
    expect(left.status).toMatchObject(foreign);
    // The controller reports it when it has the response to its write, which may be after the condition is readable.
    await retryUntil('the report', async () => takeovers.length > 0);
    expect(takeovers).toEqual([`${west}/fought ${foreign.url}`]);
    await retryUntil('the Event', async () => {
      const { items } = await cluster.admin.listAll<Resource & { readonly reason: string }>(EVENTS, {
        namespace: west,
      });
      return items.some(({ reason }) => reason === 'ForeignController');
    });
    const written = writes().length;
    // Grants are processed in order: `fought` before `later`.
    await cluster.admin.patch(ACCESS_GRANTS, key, { metadata: { labels: { touched: 'yes' } } });
    await createGrant(cluster, west, 'later');
    await retryUntil('the later grant', async () => (await read(west, 'later')).status?.status === 'Ready');
    fighting.abort();
    await fight;
    expect(rewrites).toBeLessThanOrEqual(5);
    expect(
      writes()
        .slice(written)
        .filter((write) => write.includes('/fought/')),
    ).toEqual([]);
  });
});

function read(namespace: string, name: string) {
  return cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
}

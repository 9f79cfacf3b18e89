import { afterEach, describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, SITES } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { AccessGrantResource } from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { putSite } from '../harness/cluster-sites.js';
import { type RunningController, startController } from '../harness/controller.js';
import { linkgrantAccount } from '../harness/linkgrant-account.js';
import { createGrant, readyGrant } from '../harness/served.js';
import { openTestCluster } from '../harness/test-cluster.js';

const CHANGES = 30;

let running: RunningController | undefined;

const cluster = releaseAfterFile(await openTestCluster());
const account = await linkgrantAccount(cluster);
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

/** Starts a controller, and returns a function that counts its reads of single grants of a namespace, or of one of them. */
async function countReads() {
  running = await startController(account.kubeconfig);
  const { controller, proxy } = running;
  await retryUntil('the lead', async () => controller.isLeading && controller.problem() === undefined);
  return (namespace: string, name = '') =>
    proxy.requests.filter(
      ({ method, path }) =>
        method === 'GET' && path.includes(`/namespaces/${namespace}/accessgrants/${name}`),
    ).length;
}

/** Creates a namespace with the recorded site. Returns the namespace and the key of its Site. */
async function siteNamespace() {
  const namespace = await cluster.namespace();
  await putSite(cluster.admin, namespace);
  const [site] = (await cluster.admin.listAll(SITES, { namespace })).items;
  return { namespace, site: { namespace, name: site?.metadata.name ?? '' } };
}

async function statusesOf(namespace: string): Promise<(string | undefined)[]> {
  const { items } = await cluster.admin.listAll<AccessGrantResource>(ACCESS_GRANTS, { namespace });
  return items.map(({ status }) => status?.status);
}

describe('AccessGrants', () => {
  it('are not read when annotations of their Site change, and all get a new status when its endpoints do', async () => {
    const reads = await countReads();
    const { namespace, site } = await siteNamespace();
    const names = Array.from({ length: 12 }, (_, index) => `g-${index}`);
    for (const name of names) await createGrant(cluster, namespace, name);
    const waitForEach = (wanted: string) =>
      retryUntil(`each grant ${wanted}`, async () => {
        const statuses = await statusesOf(namespace);
        return statuses.length === names.length && statuses.every((status) => status === wanted);
      });
    await waitForEach('Ready');
    const { status } = await cluster.admin.get(SITES, site);
    // Each grant is read again after the event of its own status. A later grant is Ready after all others were read.
    await retryUntil('a second read of each grant', async () =>
      names.every((name) => reads(namespace, name) > 1),
    );
    const before = reads(namespace);
    for (let change = 0; change < CHANGES; change += 1)
      await cluster.admin.patch(SITES, site, { metadata: { annotations: { change: `${change}` } } });
    const withoutEndpoints = { status: { endpoints: [] } };
    await cluster.admin.patch(SITES, site, withoutEndpoints, { subresource: 'status' });
    // The watch reports the changes of the annotations before that of the endpoints.
    await waitForEach('Pending');
    // One read for the change, one after the event of the status, and one more if the events of a status were reported late.
    expect(reads(namespace) - before).toBeLessThanOrEqual(3 * names.length);
    await cluster.admin.patch(SITES, site, { status }, { subresource: 'status' });
    await waitForEach('Ready');
  });

  it('that are too large are read at most once in 30 seconds for their status, however often they change', async () => {
    const reads = await countReads();
    const { namespace } = await siteNamespace();
    const key = { namespace, name: 'large' };
    await readyGrant(cluster, namespace, 'large');
    const settings = { 'example.com/long': 'x'.repeat(1_000_000) };
    await cluster.admin.patch(ACCESS_GRANTS, key, { spec: { settings } });
    await retryUntil('the status', async () => (await statusesOf(namespace))[0] === 'Error');
    const before = reads(namespace);
    const startedAt = performance.now();
    for (let change = 0; change < CHANGES; change += 1)
      await cluster.admin.patch(ACCESS_GRANTS, key, { metadata: { annotations: { change: `${change}` } } });
    // A grant that is created later is reconciled after the events of the large one.
    await readyGrant(cluster, namespace, 'small');
    const periods = Math.floor((performance.now() - startedAt) / 30_000);
    expect(reads(namespace, 'large') - before).toBeLessThanOrEqual(1 + periods);
  });
});

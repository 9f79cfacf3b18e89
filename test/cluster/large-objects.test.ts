import { describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, REDEMPTIONS, SECRETS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { putSite } from './harness/cluster-sites.js';
import { post } from './harness/post.js';
import { type Replica, startReplicas } from './harness/replicas.js';
import { readyGrant, redemptionsOf } from './harness/served.js';

const { cluster, account, workplace, west } = await openAcceptingNamespace();
const replicas = releaseAfterFile(await startReplicas(workplace, account.kubeconfig, 1));
const { serving, proxy } = replicas.all[0] as Replica;

const REQUESTS = 20;
const entries = (count: number, textOf: (index: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`example.com/${index}`, textOf(index)]));
const base64 = (bytes: number) => Buffer.alloc(bytes).toString('base64');

/** How many requests the service has sent for one object of a namespace. */
const readsOf = (path: string) => proxy.requests.filter((request) => request.path.endsWith(path)).length;

async function siteNamespace(): Promise<string> {
  const namespace = await cluster.namespace();
  await putSite(cluster.admin, namespace);
  return namespace;
}

/** Redeems a grant many times, one after the other, and returns the different responses. */
async function redeemOften(grant: Parameters<typeof post>[1]) {
  const responses = new Set<string>();
  for (let number = 0; number < REQUESTS; number += 1) {
    const { status, headers } = await post(serving, grant, `site-${number}`, csrHeader());
    responses.add(`${status} ${headers['retry-after']}`);
  }
  return [...responses];
}

describe('an object that is too large', () => {
  it.each([
    ['many settings', { spec: { settings: entries(20_000, () => '') } }],
    ['many settings with values', { spec: { settings: entries(1_200, (index) => `${index}`) } }],
    ['a long setting', { spec: { settings: { 'example.com/long': 'x'.repeat(1_000_000) } } }],
    ['many labels', { metadata: { labels: entries(3_000, () => 'x') } }],
    ['many annotations', { metadata: { annotations: entries(5_000, () => '') } }],
  ])(
    'an AccessGrant with %s is not read for each request, and its status has the reason',
    async (_, patch) => {
      const namespace = await siteNamespace();
      const grant = await readyGrant(cluster, namespace, 'large', { redemptionsAllowed: 100 });
      expect((await post(serving, grant, 'before', csrHeader())).status).toBe(200);
      await cluster.admin.patch(ACCESS_GRANTS, { namespace, name: 'large' }, patch);
      await retryUntil('the status', async () => {
        const key = { namespace, name: 'large' };
        const { status } = await cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, key);
        return (
          status?.status === 'Error' && /more than 512 KiB, or more than 2000 keys/.test(status.message ?? '')
        );
      });
      const path = `/namespaces/${namespace}/accessgrants/large`;
      const before = readsOf(path);
      expect(await redeemOften(grant)).toEqual(['503 30']);
      // A late reconciliation reads it too.
      expect(readsOf(path) - before).toBeLessThan(REQUESTS / 2);
    },
  );

  it.each([
    ['skupper-site-ca', 'many keys', entries(25_000, () => '')],
    ['skupper-site-ca', 'a long value', { other: base64(450_000) }],
    ['skupper-site-server', 'many keys', entries(1_500, () => base64(3))],
  ])('the Secret %s with %s is not read for each request', async (name, _, added) => {
    const namespace = await siteNamespace();
    const grant = await readyGrant(cluster, namespace, 'small', { redemptionsAllowed: 100 });
    expect((await post(serving, grant, 'before', csrHeader())).status).toBe(200);
    const data = Object.fromEntries(
      Object.entries(added).map(([key, value]) => [key.replace('/', '.'), value]),
    );
    await cluster.admin.patch(SECRETS, { namespace, name }, { data });
    const path = `/namespaces/${namespace}/secrets/${name}`;
    const before = readsOf(path);
    expect(await redeemOften(grant)).toEqual(['503 30']);
    expect(readsOf(path) - before).toBeLessThan(REQUESTS / 2);
  });
});

it('an AccessGrant with 1,000 long subjects and names, and the copy of kubectl apply, is redeemed', async () => {
  const list = (end: string) =>
    Array.from({ length: 1_000 }, (_, index) => `${index}`.padEnd(64 - end.length, 'x') + end).join(',');
  const settings = {
    'linkgrant/subjects': `site-1,${list('').slice(0, 65_520)}`.replace(/,[^,]*$/, ''),
    'linkgrant/names': `a-link,${list('*').slice(0, 65_500)}`.replace(/,[^,]*$/, ''),
  };
  const grant = await readyGrant(cluster, west.namespace, 'large-honest', {
    settings,
    redemptionsAllowed: 2,
  });
  await cluster.admin.patch(ACCESS_GRANTS, grant.metadata, {
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(grant) } },
  });
  expect((await post(serving, grant, 'site-1', csrHeader())).status).toBe(200);
});

it('commands show and revoke an AccessGrant and a Redemption that are too large for the service', async () => {
  const grant = await readyGrant(cluster, west.namespace, 'too-large', { redemptionsAllowed: 2 });
  expect((await post(serving, grant, 'site-1', csrHeader())).status).toBe(200);
  const [redemption] = await redemptionsOf(cluster, grant.metadata);
  const id = redemption?.spec.id ?? '';
  const patch = { metadata: { annotations: entries(5_000, () => '') } };
  await cluster.admin.patch(ACCESS_GRANTS, grant.metadata, patch);
  await cluster.admin.patch(
    REDEMPTIONS,
    { namespace: west.namespace, name: `${grant.metadata.uid}-0` },
    patch,
  );
  expect(await west.run(['redemption', 'revoke', id, '--keep-token'])).toMatchObject({ code: 0 });
  expect((await west.run(['redemption', 'show', id])).stdout).toMatch(/revoked/i);
  expect(await west.run(['grant', 'revoke', 'too-large'])).toMatchObject({ code: 0 });
  expect((await west.run(['grant', 'show', 'too-large'])).stdout).toMatch(/revoked/i);
});

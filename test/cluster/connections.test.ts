import { expect, it } from 'vitest';
import { SITES } from '../../src/platforms/kubernetes/api/kinds.js';
import { json } from '../support/command-line.js';
import { metricOf } from '../support/operations.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { retryUntil } from '../support/retry-until.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { personIn } from './harness/person.js';
import { post } from './harness/post.js';
import { readyGrant, serveCluster } from './harness/served.js';

const EAST = '1b9e5f0a-6f0f-4b7e-9d3c-4f0e9f0e0a01';

const { cluster, account, workplace, west, administrator } = await openAcceptingNamespace();
const serving = await serveCluster(workplace, account.kubeconfig);
const grant = await readyGrant(cluster, west.namespace, 'to-west', { redemptionsAllowed: 5 });
for (const subject of [EAST, 'south']) {
  const { status } = await post(serving, grant, subject, csrHeader());
  expect(status).toBe(200);
}

const [site] = (await cluster.admin.listAll(SITES, { namespace: west.namespace })).items;
if (!site) throw new Error('there is no Site');
const { uid, name, namespace } = site.metadata;
const writeStatus = (status: object) =>
  cluster.admin.patch(SITES, { namespace, name }, { status }, { subresource: 'status' });

/** Writes `status.network` of the Site as Skupper's controller does: every site with its outgoing links. */
async function connect(...peers: readonly (readonly [id: string, name: string, operational: boolean])[]) {
  const links = (operational: boolean) => [
    { name: 'to-west', remoteSiteId: uid, remoteSiteName: name, operational },
  ];
  const network = [
    { id: uid, name, namespace, platform: 'kubernetes', version: '2.1.1' },
    ...peers.map(([id, peer, operational]) => ({
      id,
      name: peer,
      namespace: peer,
      links: links(operational),
    })),
  ];
  await writeStatus({ sitesInNetwork: network.length, network });
}

it('redemption list shows no connection state before the Site reports its network', async () => {
  await writeStatus({ network: null });
  expect((await west.run(['redemption', 'list'])).stdout).toMatch(/CONNECTED\n.* -\n.* -\n$/);
});

it('redemption list and link status show connected links; the metrics count them and peers without a redemption', async () => {
  await connect([EAST, 'east', true], ['south', 'south', false], ['stranger', 'stranger', true]);
  const list = await west.run(['redemption', 'list', '-o', 'json']);
  expect(json(list)).toMatchObject([
    { subject: EAST, connected: true },
    { subject: 'south', connected: false },
  ]);
  expect((await west.run(['redemption', 'list'])).stdout).toMatch(/CONNECTED\n.* yes\n.* no\n$/);
  const status = json(await administrator('link', 'status', '-o', 'json'));
  expect(status).toMatchObject({
    incoming: [
      { subject: EAST, connected: true },
      { subject: 'south', connected: false },
    ],
  });
  for (const [series, count] of [
    ['linkgrant_links_connected', 1],
    ['linkgrant_unknown_peers', 1],
    ['linkgrant_links{state="valid"}', 2],
  ] as const) {
    await retryUntil(`${series} ${count}`, async () => (await metricOf(serving, series)) === count);
  }
});

it('redemption list shows a disconnected link, and no connection state without the right to list Sites', async () => {
  await connect([EAST, 'east', false]);
  expect(json(await west.run(['redemption', 'list', '-o', 'json']))).toMatchObject([
    { subject: EAST, connected: false },
    { subject: 'south', connected: false },
  ]);
  const rules = [
    { apiGroups: ['skupper.io'], resources: ['accessgrants'], verbs: ['get', 'list'] },
    { apiGroups: ['linkgrant.dev'], resources: ['redemptions'], verbs: ['get', 'list'] },
  ];
  const limited = await personIn(cluster, west.namespace, rules);
  const list = json(await limited.run(['redemption', 'list', '-o', 'json'])) as object[];
  expect(list).toHaveLength(2);
  for (const redemption of list) expect(redemption).not.toHaveProperty('connected');
});

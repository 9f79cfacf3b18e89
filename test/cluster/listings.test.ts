import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { openClusterAdministration } from '../../src/compose/kubernetes/open-cluster-administration.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { CodeConfigMaps } from '../../src/platforms/kubernetes/store/code-config-maps.js';
import { redemptionResource } from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { expectSuccess, json, linkgrant } from '../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { NOW, sampleRedemption } from '../support/store-samples.js';
import { startApiProxy } from './harness/api-proxy.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { openTestCluster } from './harness/test-cluster.js';

// The API server returns lists in pages of 500.
const GRANTS = 503;
const OF_FIRST_GRANT = 1_003;
const PAGES = { grants: 2, firstGrant: 3, all: 4 };
/** The `jti` of an issued token; the last redemption used it. */
const TOKEN = 'AAAAAAAAAAAAAAAAAAAAAA';

const cluster = releaseAfterFile(await openTestCluster());
await cluster.namespace(LINKGRANT);
const namespace = await cluster.namespace();
const proxy = releaseAfterFile(await startApiProxy(cluster.kubeconfig));

/** Calls `work` with the numbers from 0, a few at a time. */
async function withNumbers(count: number, work: (number: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const run = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: 8 }, run));
}

const uids: string[] = [];
await withNumbers(GRANTS, async (number) => {
  const key = { namespace, name: `g-${number}` };
  const spec = { redemptionsAllowed: OF_FIRST_GRANT };
  const grant = { apiVersion: 'skupper.io/v2alpha1', kind: 'AccessGrant', metadata: key, spec };
  const { metadata } = await cluster.admin.create(ACCESS_GRANTS, grant);
  uids[number] = metadata.uid;
  const status = { redemptions: number === 0 ? OF_FIRST_GRANT : 1 };
  await cluster.admin.patch<AccessGrantResource>(ACCESS_GRANTS, key, { status }, { subresource: 'status' });
});
/** The ids of all redemptions, oldest first. */
const ids: string[] = [];
await withNumbers(OF_FIRST_GRANT + GRANTS - 1, async (number) => {
  const grant = Math.max(0, number - OF_FIRST_GRANT + 1);
  const id = randomUUID();
  ids[number] = id;
  const redemption = sampleRedemption(uids[grant] ?? '', {
    id,
    namespace,
    createdAt: NOW + number,
    subject: `site-${number}`,
    jti: grant === 0 ? null : grant === GRANTS - 1 ? TOKEN : `token-of-${grant}`,
  });
  const slot = grant === 0 ? number : 0;
  await cluster.admin.create(REDEMPTIONS, redemptionResource(redemption, `g-${grant}`, slot, undefined));
});

const issued = { subject: null, issuedAt: NOW, revokedAt: null };
const issuedCode = { grantUid: uids.at(-1) ?? '', jti: TOKEN, uses: 1, expirationTime: NOW, ...issued };
await new CodeConfigMaps(cluster.admin, LINKGRANT).update(issuedCode.grantUid, TOKEN, () => issuedCode);

/** The requests that `operation` sends to the API server: the pages of lists by kind, and the number of all others. */
async function requestsOf(operation: () => Promise<unknown>) {
  const before = proxy.requests.length;
  await operation();
  const paths = proxy.requests.slice(before).map(({ path }) => path);
  const pagesOf = (plural: string) => paths.filter((path) => path.includes(`/${plural}?`)).length;
  const lists = { grants: pagesOf('accessgrants'), redemptions: pagesOf('redemptions') };
  return { ...lists, others: paths.length - lists.grants - lists.redemptions };
}

const run = (words: readonly string[]) => {
  const namespaceFlags = words.includes('-A') ? [] : ['-n', namespace];
  const serviceFlags = words[0] === 'link' ? [] : ['--service-namespace', LINKGRANT];
  return linkgrant([
    ...words,
    ...namespaceFlags,
    ...serviceFlags,
    ...['--platform', 'kubernetes', '--kubeconfig', proxy.kubeconfig],
  ]);
};

it.each([
  ['grant list', { grants: PAGES.grants, redemptions: 0 }],
  ['grant list -A --state expired', { grants: PAGES.grants, redemptions: 0 }],
  ['grant show g-0', { grants: PAGES.grants, redemptions: PAGES.firstGrant }],
  ['redemption list -o json', { grants: 0, redemptions: PAGES.all }],
  ['redemption list -A --sort-by subject', { grants: PAGES.grants, redemptions: PAGES.all }],
  ['redemption list --subject site-1504', { grants: 0, redemptions: PAGES.all }],
  ['redemption list --grant g-0', { grants: PAGES.grants, redemptions: PAGES.firstGrant }],
  ['ledger list -o csv', { grants: PAGES.grants, redemptions: PAGES.all }],
  ['token list', { grants: PAGES.grants, redemptions: PAGES.all }],
  ['token list --grant g-0', { grants: PAGES.grants, redemptions: PAGES.firstGrant }],
  ['link status', { grants: 0, redemptions: PAGES.all }],
  ['grant revoke g-1', { grants: PAGES.grants, redemptions: 1 }],
  ['grant revoke g-0', { grants: PAGES.grants, redemptions: PAGES.firstGrant }],
])('`%s` lists each kind once, and reads no object for each item', async (words, lists) => {
  const { others, ...found } = await requestsOf(async () => expectSuccess(await run(words.split(' '))));
  expect(found).toEqual(lists);
  expect(others).toBeLessThan(30);
});

it('`token revoke` with the wrong grant finds the right one in one listing of all redemptions', async () => {
  const { others, ...lists } = await requestsOf(async () => {
    const refused = await run(['token', 'revoke', TOKEN, '--grant', 'g-0']);
    expect(refused.stderr).toContain(`belongs to grant "g-${GRANTS - 1}"`);
  });
  expect(lists).toEqual({ grants: 2 * PAGES.grants, redemptions: PAGES.firstGrant + PAGES.all });
  expect(others).toBeLessThan(30);
});

it('`redemption list` prints every redemption once, oldest first', async () => {
  const listed = json(await run(['redemption', 'list', '-o', 'json'])) as readonly { readonly id: string }[];
  expect(listed.map(({ id }) => id)).toEqual(ids);
});

async function openAdministration() {
  const settings = { kubeconfig: [proxy.kubeconfig], namespace, serviceNamespace: LINKGRANT };
  const opened = await openClusterAdministration(settings as never, {
    clock: () => NOW,
    allNamespaces: false,
    timeoutMs: 1_000,
    shutdownSignal: () => new Promise<void>(() => {}),
  });
  return releaseAfterTest(opened).administration;
}

it.each([
  ['grants', 'g-502', { grants: PAGES.grants, redemptions: 0 }],
  ['redemptions', 'site-1504', { grants: 0, redemptions: PAGES.all }],
] as const)(
  'a small page of %s with a filter that matches only the last item lists the kind once',
  async (kind, last, lists) => {
    const administration = await openAdministration();
    const { others: _, ...found } = await requestsOf(async () => {
      const page =
        kind === 'grants'
          ? await administration.listGrants({ limit: 10, name: last })
          : await administration.listRedemptions({ limit: 10, subject: last });
      expect(page.items).toHaveLength(1);
      expect(page.next).toBeUndefined();
    });
    expect(found).toEqual(lists);
  },
);

it('a repeated read of a grant, as `token issue --wait` does, lists no Redemption again', async () => {
  const administration = await openAdministration();
  const [uid = ''] = uids;
  const first = await administration.showGrant(uid);
  expect(first.attempts.map(({ redemptionId }) => redemptionId)).toEqual(
    ids.slice(OF_FIRST_GRANT - 10, OF_FIRST_GRANT).reverse(),
  );
  const { redemptions, others } = await requestsOf(async () => {
    expect(await administration.showGrant(uid)).toEqual(first);
  });
  expect(redemptions).toBe(0);
  expect(others).toBeLessThan(30);
});

import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { readAnswer } from '../../../src/client/answer-reader.js';
import { createRenewalClient } from '../../../src/client/https-renewal-client.js';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { isApiError } from '../../../src/platforms/kubernetes/api/api-error.js';
import { openKubernetesClient } from '../../../src/platforms/kubernetes/api/client.js';
import {
  ACCESS_TOKENS,
  LINKS,
  REDEMPTIONS,
  SECRETS,
  SITES,
} from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import type { SecretResource } from '../../../src/platforms/kubernetes/requesting/namespace-target.js';
import type { RedemptionResource } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { LinkRenewals } from '../../../src/platforms/kubernetes/tokens/link-renewals.js';
import { Workplace } from '../../support/command-line.js';
import { metricOf } from '../../support/operations.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { rightsOf } from '../harness/access-review.js';
import { startApiProxy } from '../harness/api-proxy.js';
import { putSite } from '../harness/cluster-sites.js';
import { linkgrantAccount, shippedAccount } from '../harness/linkgrant-account.js';
import { manifestOf } from '../harness/manifests.js';
import {
  endLead,
  REDEEMER,
  type Redeemer,
  type RedeemerOptions,
  startRedeemer,
} from '../harness/redeemer.js';
import { textIn } from '../harness/resources.js';
import { readyGrant, redemptionsOf, serveCluster } from '../harness/served.js';
import { openTestCluster } from '../harness/test-cluster.js';
import {
  bindRedeemer,
  type TokenNamespace,
  tokenNamespace,
  unbindRedeemer,
} from '../harness/token-namespace.js';
import { usedRight } from '../harness/used-rights.js';

// A time at which a certificate of 30 days is due for renewal (after two thirds) and still valid.
const LATER = { clockOffsetMs: 24 * 86_400_000 };

/** A namespace whose AccessToken was redeemed, and the uid of the grant. */
interface RedeemedLink {
  readonly place: TokenNamespace;
  readonly uid: string;
}

let grants = 0;
const redeemers: Redeemer[] = [];
const places: TokenNamespace[] = [];
/** Links that no test has used yet. Their namespaces are closed to the redeemer, so that it does not renew them. */
const unused: RedeemedLink[] = [];
/** Namespaces without permissions of the redeemer, at least until a test used their link. */
const closed = new Set<string>();

const cluster = releaseAfterFile(await openTestCluster());
const service = await linkgrantAccount(cluster);
const account = await shippedAccount(cluster, 'redeemer', REDEEMER);
const client = releaseAfterFile(await openKubernetesClient({ kubeconfig: [account.kubeconfig] }));
const workplace = releaseAfterFile(new Workplace());
const west = await cluster.namespace();
closed.add(west);
await putSite(cluster.admin, west);
await serveCluster(workplace, service.kubeconfig);
const proxy = releaseAfterFile(await startApiProxy(account.kubeconfig));
afterEach(async () => {
  // Stop the redeemers before their Lease is deleted: a running one would acquire it again.
  await Promise.all(redeemers.splice(0).map((redeemer) => redeemer.stop()));
  await endLead(cluster);
  // The links of a namespace without a Site are not renewed.
  for (const { namespace } of places.splice(0)) {
    await cluster.admin.delete(SITES, { namespace, name: 'east' });
  }
});

async function run(options?: RedeemerOptions): Promise<Redeemer> {
  const redeemer = await startRedeemer(proxy.kubeconfig, options);
  redeemers.push(redeemer);
  return redeemer;
}

async function stopped(redeemer: Redeemer): Promise<void> {
  await redeemer.stop();
  await endLead(cluster);
}

/** A token of a new grant. */
async function newToken(): Promise<{ readonly token: AccessToken; readonly uid: string }> {
  grants += 1;
  const { status = {}, metadata } = await readyGrant(cluster, west, `grant-${grants}`);
  const { url = '', code = '', ca = '' } = status;
  return { token: { name: 'my-link', url, code, ca }, uid: metadata.uid };
}

async function redeemed(): Promise<RedeemedLink> {
  if (unused.length === 0) await redeemSome();
  const link = unused.pop() as RedeemedLink;
  places.push(link.place);
  await bindRedeemer(cluster, link.place.namespace);
  await retryUntil('access', () => mayList(link.place.namespace));
  return link;
}

/** Redeems several tokens with one redeemer, for tests that only need an existing link. */
async function redeemSome(): Promise<void> {
  const redeemer = await run();
  for (let count = 0; count < 5; count += 1) {
    const { token, uid } = await newToken();
    const place = await tokenNamespace(cluster);
    await place.put(token);
    unused.push({ place, uid });
  }
  for (const { place } of unused) await place.waitForStatus('Ready');
  await stopped(redeemer);
  for (const { place } of unused) {
    closed.add(place.namespace);
    await unbindRedeemer(cluster, place.namespace);
  }
}

async function redemptionOf(uid: string): Promise<Stored<RedemptionResource>> {
  const [redemption, ...others] = await redemptionsOf(cluster, { namespace: west, uid });
  expect(others).toEqual([]);
  if (!redemption) throw new Error('there is no Redemption');
  return redemption;
}

const secretOf = ({ namespace }: TokenNamespace) =>
  cluster.admin.get<SecretResource>(SECRETS, { namespace, name: 'my-link' });
const certificateIn = (secret: SecretResource) => new X509Certificate(textIn(secret, 'tls.crt'));
const renewedSince = (place: TokenNamespace, before: SecretResource) =>
  retryUntil('another certificate', async () => {
    const secret = await secretOf(place);
    return secret.data?.['tls.crt'] === before.data?.['tls.crt'] ? undefined : secret;
  });

describe('the link of an AccessToken', () => {
  it('has a certificate of 30 days from the service of another site in the cluster, for one Redemption', async () => {
    const { place, uid } = await redeemed();
    const certificate = certificateIn(await secretOf(place));
    const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    expect((await redemptionOf(uid)).spec).toMatchObject({
      mode: 'csr',
      name: 'my-link',
      subject: place.siteUid,
    });
  });

  it('is renewed in time with another key, and its Secret is otherwise unchanged', async () => {
    const { place, uid } = await redeemed();
    const before = await secretOf(place);
    const redeemer = await run(LATER);
    const after = await renewedSince(place, before);
    expect(after.data?.['tls.key']).not.toBe(before.data?.['tls.key']);
    expect(after.metadata.labels).toEqual(before.metadata.labels);
    expect(after.metadata.ownerReferences).toEqual(before.metadata.ownerReferences);
    const logLine = await retryUntil('the line in the log', async () =>
      redeemer
        .log()
        .find(({ event, namespace }) => event === 'link_renewed' && namespace === place.namespace),
    );
    expect(logLine).toMatchObject({ name: 'my-link' });
    const { status } = await redemptionOf(uid);
    expect(status?.renewals).toHaveLength(1);
    expect(status?.renewals?.[0]?.certificate.pem).toBe(textIn(after, 'tls.crt'));
    await retryUntil('the deletion of the pending key', async () => (await place.secrets()).length === 1);
  });

  it.each([
    'renewal-key-created',
    'before-renewal',
    'renewal-received',
    'renewal-in-place',
    'renewal-finished',
  ])('has one newer certificate after the redeemer is killed at %s', async (killedAt) => {
    const { place, uid } = await redeemed();
    const before = await secretOf(place);
    const first = await run({ ...LATER, killedAt });
    expect((await first.ended).signal).toBe('SIGKILL');
    await endLead(cluster);
    const second = await run(LATER);
    const after = await renewedSince(place, before);
    await retryUntil('the lead', async () => (await metricOf(second, 'linkgrant_leading')) === 1);
    const renewals = (await redemptionOf(uid)).status?.renewals ?? [];
    expect(renewals).toHaveLength(1);
    expect(renewals[0]?.certificate.pem).toBe(textIn(after, 'tls.crt'));
    await retryUntil('the deletion of the pending key', async () => (await place.secrets()).length === 1);
  });

  it('requests one renewal after its revocation, and stays unchanged', async () => {
    const { place, uid } = await redeemed();
    const before = await secretOf(place);
    const { metadata } = await redemptionOf(uid);
    await cluster.admin.patch(REDEMPTIONS, metadata, { spec: { revoked: true } });
    const redeemer = await run(LATER);
    const logLine = await retryUntil('the refusal', async () =>
      redeemer
        .log()
        .find(({ event, namespace }) => event === 'renewal_failed' && namespace === place.namespace),
    );
    expect(logLine).toMatchObject({ code: 'redemption_revoked' });
    expect((await secretOf(place)).data).toEqual(before.data);
    const other = await newToken();
    const beside = await tokenNamespace(cluster);
    await beside.put(other.token);
    await beside.waitForStatus('Ready');
    expect(redeemer.log().filter(({ code }) => code === 'redemption_revoked')).toHaveLength(1);
    const series = 'linkgrant_link_renewals_total{outcome="redemption_revoked"}';
    expect(await metricOf(redeemer, series)).toBe(1);
  });

  it('is renewed after its AccessToken is deleted, but not after its Link is deleted', async () => {
    const [kept, unlinked] = [await redeemed(), await redeemed()];
    for (const { namespace } of [kept.place, unlinked.place]) await deleteToken(namespace);
    const [link] = await unlinked.place.links();
    if (link) await cluster.admin.delete(LINKS, link.metadata);
    const before = [await secretOf(kept.place), await secretOf(unlinked.place)] as const;
    await run(LATER);
    await renewedSince(kept.place, before[0]);
    expect(await secretOf(unlinked.place)).toEqual(before[1]);
  });
});

describe('the links of a namespace', () => {
  it('are renewed although those of another namespace cannot be listed', async () => {
    const both = [await redeemed(), await redeemed()].map(({ place }) => place);
    const [unread, read] = both.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
    if (!unread || !read) throw new Error('there are not two namespaces');
    const before = [await secretOf(unread), await secretOf(read)] as const;
    const body = JSON.stringify({ kind: 'Status', status: 'Failure', reason: 'InternalError', code: 500 });
    proxy.decide(({ path }) =>
      path.includes(`/namespaces/${unread.namespace}/secrets?`) ? { status: 500, body } : 'pass',
    );
    const redeemer = await run(LATER);
    await renewedSince(read, before[1]);
    expect(await secretOf(unread)).toEqual(before[0]);
    proxy.decide(() => 'pass');
    const logLine = await retryUntil('the line in the log', async () =>
      redeemer.log().find(({ event }) => event === 'cluster_failed'),
    );
    expect(logLine).toMatchObject({ what: `list the links of namespace ${unread.namespace}` });
  });

  it('are reported once when the redeemer loses its permissions in the namespace', async () => {
    const { place } = await redeemed();
    const calls: unknown[] = [];
    const record = (...what: unknown[]) => calls.push(what);
    const stop = new AbortController();
    let now = Date.now();
    const clock = () => now;
    const renewals = new LinkRenewals({
      client,
      namespaces: () => [place.namespace],
      dependencies: () => ({
        client: createRenewalClient({ clock }),
        readAnswer,
        clock,
        checkpoint: async () => {},
      }),
      waitMs: () => 0,
      clock,
      observer: {
        renewed: record,
        failed: record,
        listFailed: record,
        accessRevoked: record,
      },
    });
    const steps = [() => unbindRedeemer(cluster, place.namespace), () => undefined, () => stop.abort()];
    await renewals.run(stop.signal, async () => {
      await steps.shift()?.();
      await retryUntil('the loss of the permissions', async () => !(await mayList(place.namespace)));
      now += 600_000;
    });
    await bindRedeemer(cluster, place.namespace);
    const notAfter = Date.parse(certificateIn(await secretOf(place)).validTo);
    expect(calls).toEqual([[place.namespace, 1, notAfter]]);
  });
});

describe('the redeemer', () => {
  it('lists only the Secrets of a namespace with settled tokens, and writes nothing there', async () => {
    const place = await tokenNamespace(cluster);
    const first = await run();
    const { token } = await newToken();
    await place.put(token);
    for (let number = 0; number < 30; number += 1) {
      await place.put({ ...token, name: `bad-${number}`, url: 'http://x.example' });
    }
    await place.waitForStatus('Ready');
    for (let number = 0; number < 30; number += 1) await place.waitForStatus('Refused', `bad-${number}`);
    await stopped(first);
    const before = proxy.requests.length;
    const second = await run();
    const other = await tokenNamespace(cluster);
    await other.put((await newToken()).token);
    await other.waitForStatus('Ready');
    const since = proxy.requests.slice(before).filter(({ path }) => path.includes(place.namespace));
    // The redeemer lists the Secrets, because some may be due for renewal.
    expect(since.map(({ method, path }) => `${method} ${path.split('?')[0]}`)).toEqual([
      `GET /api/v1/namespaces/${place.namespace}/secrets`,
    ]);
    await second.stop();
  });

  it('needs every permission of its role, and no other', async () => {
    const redeemer = await run();
    const has = (right: string) => async () => proxy.requests.some((one) => usedRight(one).right === right);
    await retryUntil('the Lease to be renewed', has('update leases.coordination.k8s.io'));
    await redeemer.stop();
    const rulesOf = (kind: string, name: string) => manifestOf(account.manifests, kind, name).rules ?? [];
    const shipped = rightsOf([
      ...rulesOf('ClusterRole', `${REDEEMER}-watch`),
      ...rulesOf('ClusterRole', REDEEMER),
      ...rulesOf('Role', `${REDEEMER}-own`),
    ]);
    const used = proxy.requests.map((one) => usedRight(one).right.replace(/^get secrets .*$/, 'get secrets'));
    // Links are created by server-side apply: a patch request that needs the permission to create, too.
    expect([...new Set([...used, 'create links.skupper.io'])].sort()).toEqual(shipped);
    // In a namespace without permissions the redeemer lists the Secrets, and requests nothing else.
    const refused = proxy.requests.filter(({ status }) => status === 403).map(usedRight);
    const isExpected = ({ right, namespace = '' }: ReturnType<typeof usedRight>) =>
      right === 'list secrets' && closed.has(namespace);
    expect(refused.filter((one) => !isExpected(one))).toEqual([]);
  });
});

/** Whether the redeemer may list the Secrets of a namespace. */
async function mayList(namespace: string): Promise<boolean> {
  try {
    await client.list(SECRETS, { namespace });
    return true;
  } catch (error) {
    if (isApiError(error, 'forbidden')) return false;
    throw error;
  }
}

async function deleteToken(namespace: string): Promise<void> {
  await cluster.admin.delete(ACCESS_TOKENS, { namespace, name: 'my-link' });
}

import { afterAll, describe, expect, it } from 'vitest';
import {
  ACCESS_GRANTS,
  REDEMPTIONS,
  SECURED_ACCESSES,
  SERVICES,
} from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import {
  type KubernetesGrantStore,
  openKubernetesStore,
} from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import { slotName } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { releaseAfterTest } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { NOW, recordRenewalOf, sampleRedemption, sampleRenewal } from '../../support/store-samples.js';
import { openAcceptingNamespace } from '../harness/accepting-namespace.js';
import { rightsOf } from '../harness/access-review.js';
import { type ApiProxy, startApiProxy } from '../harness/api-proxy.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { manifestOf } from '../harness/manifests.js';
import { post } from '../harness/post.js';
import { type Replicas, startReplicas } from '../harness/replicas.js';
import { readyGrant } from '../harness/served.js';
import { type UsedRight, usedRight } from '../harness/used-rights.js';

const LATER = Date.now() + 10 * 365 * 86_400_000;

const services: Replicas[] = [];
const proxies: ApiProxy[] = [];

const { cluster, account, workplace, ...accepting } = await openAcceptingNamespace();
const west = accepting.west.namespace;
afterAll(() => Promise.all(services.map((one) => one.close())));

/** Starts the built service with the shipped account. */
async function serve(...words: readonly string[]) {
  const replicas = await startReplicas(workplace, account.kubeconfig, 1, ...words);
  services.push(replicas);
  const [replica] = replicas.all;
  if (!replica) throw new Error('there is no replica');
  proxies.push(replica.proxy);
  return replica;
}

/** The store with the shipped account, for what the service does hours, days or years later. */
async function openStore(clock: () => number): Promise<KubernetesGrantStore> {
  const proxy = releaseAfterTest(await startApiProxy(account.kubeconfig));
  proxies.push(proxy);
  return openKubernetesStore({ kubeconfig: [proxy.kubeconfig], serviceNamespace: LINKGRANT, clock });
}

function used(): UsedRight[] {
  return proxies.flatMap(({ requests }) => requests.map(usedRight));
}

function withoutSecretName(right: string): string {
  return right.replace(/^(\w+ secrets) .*$/, '$1');
}

function sorted(rights: readonly string[]): string[] {
  return [...new Set(rights)].sort();
}

describe('the service with the permissions of its role', () => {
  it('redeems, refuses and replays, with its address from a SecuredAccess or from a Service', async () => {
    const { serving } = await serve('--secured-access');
    const name = 'linkgrant-grants';
    await retryUntil('the SecuredAccess', () =>
      cluster.admin.get(SECURED_ACCESSES, { namespace: LINKGRANT, name }),
    );
    const status = { endpoints: [{ name: 'https', host: '192.0.2.7', port: '9090' }] };
    const key = { namespace: LINKGRANT, name };
    await cluster.admin.patch(SECURED_ACCESSES, key, { status }, { subresource: 'status' });
    const once = await readyGrant(cluster, west, 'once');
    expect(once.status?.url).toContain('https://192.0.2.7:9090/');
    // The service stores the generated key sealed. The second of two equal refusals updates the Event of the first.
    expect((await post(serving, once)).status).toBe(200);
    expect((await post(serving, once)).status).toBe(200);
    for (let time = 0; time < 2; time += 1) expect((await post(serving, once, 'b')).status).toBe(404);
    const has = (right: string) => async () => used().some((one) => one.right === right);
    await retryUntil('the update of the Event', has('update events'));
    await retryUntil('a certificate for the new address', has('update secrets'));
    await retryUntil('the Lease to be renewed', has('update leases.coordination.k8s.io'));
    await serving.stop();

    // Now with the address of the Service that every installation has.
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: LINKGRANT, name: LINKGRANT },
    };
    const spec = { type: 'LoadBalancer', ports: [{ name: 'https', port: 9090 }] };
    const { metadata } = await cluster.admin.create(SERVICES, { ...service, spec } as Resource);
    const balanced = { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } };
    await cluster.admin.patch(SERVICES, metadata, { status: balanced }, { subresource: 'status' });
    await serve('--service', LINKGRANT);
    const { status: found } = await readyGrant(cluster, west, 'balanced');
    expect(found?.url).toContain('https://192.0.2.9:9090/');
  });

  it('renews, revokes, and deletes expired data', async () => {
    const grant = await readyGrant(cluster, west, 'ended', { redemptionsAllowed: 9 });
    const { uid } = grant.metadata;
    const store = releaseAfterTest(await openStore(Date.now));
    const laterStore = releaseAfterTest(await openStore(() => LATER));
    const record = async (changes: Parameters<typeof sampleRedemption>[1] = {}) => {
      const redemption = sampleRedemption(uid, { namespace: west, ...changes });
      expect(await store.recordRedemption(uid, redemption, Date.now())).toBe('recorded');
      return redemption;
    };
    const first = await record();
    expect(await recordRenewalOf(store, sampleRenewal(first.id, 1), NOW)).toBe('recorded');
    await record({ mode: 'stock', sealedAnswer: new Uint8Array(9), sealedUntil: NOW });
    expect(await laterStore.eraseSealedAnswers(LATER)).toBeGreaterThan(0);
    expect(await store.revokeRedemption(first.id, NOW)).toBe(true);
    await cluster.admin.delete(ACCESS_GRANTS, { namespace: west, name: 'ended' });
    expect(await laterStore.removeOldLedger(LATER)).toBe(false);
    for (const slot of [0, 1]) {
      const key = { namespace: west, name: slotName(uid, slot) };
      expect(await cluster.admin.find(REDEMPTIONS, key)).toBeUndefined();
    }
    // The permissions that signed codes need.
    for (const jti of ['a', 'b']) {
      expect(await store.revokeCode({ grantUid: uid, jti, uses: 1, expirationTime: NOW }, NOW)).toBe(
        'revoked',
      );
    }
  });

  it('needs every permission of its role, and no other', () => {
    const shipped = (kind: string, name: string) =>
      rightsOf(
        (manifestOf(account.manifests, kind, name).rules ?? []).flatMap(
          (rule) => rule.resourceNames?.map((one) => ({ ...rule, resourceNames: [one] })) ?? [rule],
        ),
      );
    const inOwn = used().filter(({ namespace }) => namespace === LINKGRANT);
    const elsewhere = used().filter(({ namespace }) => namespace !== LINKGRANT);
    expect(sorted(elsewhere.map(({ right }) => right))).toEqual(sorted(shipped('ClusterRole', LINKGRANT)));
    // Names of Secrets are ignored here: no request may be refused, which is checked below.
    const own = inOwn.map(({ right }) => withoutSecretName(right));
    expect(sorted(own)).toEqual(sorted(shipped('Role', `${LINKGRANT}-own`).map(withoutSecretName)));
    const refused = proxies.flatMap(({ requests }) => requests.filter(({ status }) => status === 403));
    expect(refused).toEqual([]);
  });
});

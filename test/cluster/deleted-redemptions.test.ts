import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import type { KubernetesClient } from '../../src/platforms/kubernetes/api/client.js';
import { NAMESPACES, REDEMPTIONS } from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../src/platforms/kubernetes/api/resource.js';
import {
  DeletedRedemptions,
  readWatchedRedemption,
} from '../../src/platforms/kubernetes/grants/deleted-redemptions.js';
import {
  type KubernetesGrantStore,
  kubernetesStore,
} from '../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  type RedemptionResource,
  slotName,
} from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { MINUTE, NOW, sampleRedemption, sampleRenewal, storedGrant } from '../support/store-samples.js';
import { LINKGRANT, type LinkgrantAccount } from './harness/linkgrant-account.js';
import { openStoreCluster, type StoreCluster } from './harness/store-cluster.js';
import type { TestCluster } from './harness/test-cluster.js';
import { throughProxy } from './harness/through-proxy.js';

const DAYS = 24 * 60 * MINUTE;

let opened: StoreCluster;
let cluster: TestCluster;
let account: LinkgrantAccount;
let namespace: string;
let store: KubernetesGrantStore;
let client: KubernetesClient;
let redeemed: StoreCluster['redeemed'];
let resource: StoreCluster['resource'];
let openedAnew: StoreCluster['openedAnew'];

beforeAll(async () => {
  opened = await openStoreCluster();
  ({ cluster, account, namespace, store, client, redeemed, resource, openedAnew } = opened);
});
afterAll(() => opened?.close());

/** Deletes a Redemption as people do. */
async function deleteByHand(grant: AccessGrant): Promise<void> {
  const { metadata } = await resource(grant);
  await cluster.admin.delete(REDEMPTIONS, metadata);
}

/** The Redemptions that wait to be let go of, as a watch tells of those of these grants at this moment. */
async function deletedOf(
  grants: readonly AccessGrant[],
  options: Partial<ConstructorParameters<typeof DeletedRedemptions>[0]> = {},
): Promise<DeletedRedemptions> {
  const fail = (error: unknown) => expect.fail(String(error));
  const deleted = new DeletedRedemptions({
    client,
    isAlive: () => false,
    clock: () => NOW,
    onFailure: fail,
    ...options,
  });
  deleted.replace((await Promise.all(grants.map((grant) => resource(grant)))).map(readWatchedRedemption));
  return deleted;
}

const { signal } = new AbortController();

/** Lets go of what may go of a grant at a time. */
async function releaseAt(now: number, grant: AccessGrant): Promise<void> {
  await (await deletedOf([grant], { clock: () => now })).turn(signal);
}

describe('a Redemption that somebody deletes', () => {
  it('keeps its slot and counts as revoked while its grant lives, also when the limit is raised', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 1 });
    const { id, replayKey } = await redeemed(grant, { notAfter: NOW });
    await deleteByHand(grant);
    await releaseAt(NOW + 1, grant);
    expect((await store.findRedemption(id))?.revokedAt).not.toBeNull();
    const another = () => sampleRedemption(grant.uid, { namespace });
    await openedAnew(async (anew) => {
      expect(await anew.recordRedemption(grant.uid, another(), NOW)).toEqual({ refused: 'grant_exhausted' });
      expect((await anew.findReplay(grant.uid, replayKey))?.revokedAt).not.toBeNull();
      await anew.updateGrant(grant.uid, { redemptionsAllowed: 2 });
      expect(await anew.recordRedemption(grant.uid, another(), NOW)).toBe('recorded');
      expect(await anew.recordRedemption(grant.uid, another(), NOW)).toEqual({ refused: 'grant_exhausted' });
    });
  });

  it('goes when its grant has ended and so have all its certificates', async () => {
    const grant = await storedGrant(store, { namespace, expirationTime: NOW + MINUTE });
    const { id } = await redeemed(grant, { notAfter: NOW + 2 * DAYS });
    await store.recordRenewal(sampleRenewal(id, 1, { notAfter: NOW + 3 * DAYS }), NOW);
    await deleteByHand(grant);
    const isThere = async () => (await store.findRedemption(id)) !== undefined;
    await releaseAt(NOW + 3 * DAYS - 1, grant);
    expect(await isThere()).toBe(true);
    await releaseAt(NOW + 3 * DAYS, grant);
    expect(await isThere()).toBe(false);
  });

  it('waits for its certificates where its grant is gone', async () => {
    const grant = await storedGrant(store, { namespace });
    const { id } = await redeemed(grant, { notAfter: NOW + DAYS });
    await store.deleteGrant(grant.uid);
    await deleteByHand(grant);
    await releaseAt(NOW + DAYS - 1, grant);
    expect(await store.findRedemption(id)).toBeDefined();
    await releaseAt(NOW + DAYS, grant);
    expect(await store.findRedemption(id)).toBeUndefined();
  });

  it('goes at once with its namespace', async () => {
    const place = await cluster.namespace();
    const grant = await storedGrant(store, { namespace: place });
    const { id } = await redeemed(grant);
    await cluster.admin.delete(NAMESPACES, { name: place });
    await deleteByHand(grant);
    expect(await store.findRedemption(id)).toBeDefined();
    await releaseAt(NOW, grant);
    expect(await store.findRedemption(id)).toBeUndefined();
  });
});

describe('Redemptions that wait for years', () => {
  /** Grants with a deleted Redemption each, one in each of these namespaces. */
  async function deletedIn(
    places: readonly string[],
    notAfter: number,
    isGone = false,
  ): Promise<AccessGrant[]> {
    const grants: AccessGrant[] = [];
    for (const place of places) {
      const grant = await storedGrant(store, { namespace: place });
      await redeemed(grant, { notAfter });
      await deleteByHand(grant);
      if (isGone) await store.deleteGrant(grant.uid);
      grants.push(grant);
    }
    return grants;
  }
  const isThere = async (grant: AccessGrant) =>
    (await cluster.admin.find(REDEMPTIONS, { namespace: grant.namespace, name: slotName(grant.uid, 0) })) !==
    undefined;

  it('cost no listing, and two requests for each namespace', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const grants = await deletedIn([place, place, place, other], NOW + DAYS);
    await throughProxy(account.kubeconfig, async (proxied, { requests }) => {
      const deleted = await deletedOf(grants, { client: proxied });
      await deleted.turn(signal);
      const of = (namespace: string) => `/apis/linkgrant.dev/v1alpha1/namespaces/${namespace}`;
      const asked = requests.map(({ method, path }) => `${method} ${path.replace(/redemptions\/.+/, 'one')}`);
      expect(asked).toEqual(
        [place, other].flatMap((namespace) => [
          `GET ${of(namespace)}/one`,
          `POST ${of(namespace)}/redemptions?dryRun=All`,
        ]),
      );
    });
  });

  it('are not asked for where their grant is known to be alive, and their grant once where it is not', async () => {
    const place = await cluster.namespace();
    const grant = await storedGrant(store, { namespace: place, redemptionsAllowed: 3 });
    for (let slot = 0; slot < 3; slot += 1) {
      await redeemed(grant, { notAfter: NOW });
      await cluster.admin.delete(REDEMPTIONS, (await resource(grant, slot)).metadata);
    }
    const told = await Promise.all(
      [0, 1, 2].map(async (slot) => readWatchedRedemption(await resource(grant, slot))),
    );
    await throughProxy(account.kubeconfig, async (proxied, { requests }) => {
      const alive = await deletedOf([], { client: proxied, isAlive: (uid) => uid === grant.uid });
      alive.replace(told);
      await alive.turn(signal);
      expect(requests).toHaveLength(2);
      const unknown = await deletedOf([], { client: proxied });
      unknown.replace(told);
      await unknown.turn(signal);
      expect(requests.filter(({ path }) => path.includes('/accessgrants/'))).toHaveLength(1);
      expect((await resource(grant, 0)).metadata.finalizers).toBeDefined();
    });
  });

  it('are forgotten when they are gone, or only somebody else keeps them', async () => {
    const grants: AccessGrant[] = [];
    for (const others of [[], ['tenant.example.com/keep']]) {
      const grant = await storedGrant(store, { namespace });
      grants.push(grant);
      await redeemed(grant, { notAfter: NOW });
      const { metadata } = await resource(grant);
      const finalizers = [...(metadata.finalizers ?? []), ...others];
      await cluster.admin.patch(REDEMPTIONS, metadata, { metadata: { finalizers } });
      await deleteByHand(grant);
      await store.deleteGrant(grant.uid);
    }
    const [gone, kept] = grants as [AccessGrant, AccessGrant];
    await throughProxy(account.kubeconfig, async (proxied, { requests }) => {
      const deleted = await deletedOf(grants, { client: proxied });
      const last = readWatchedRedemption(await resource(gone));
      await deleted.turn(signal);
      expect(await isThere(gone)).toBe(false);
      expect((await resource(kept)).metadata.finalizers).toEqual(['tenant.example.com/keep']);
      deleted.remove(last);
      deleted.put(readWatchedRedemption(await resource(kept)));
      const before = requests.length;
      await deleted.turn(signal);
      expect(requests).toHaveLength(before);
    });
    await cluster.admin.patch(REDEMPTIONS, (await resource(kept)).metadata, { metadata: { finalizers: [] } });
  });

  it('do not wait for others in whose way something is', async () => {
    const [first, second] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const grants = await deletedIn([first, first, second], NOW, true);
    await throughProxy(account.kubeconfig, async (proxied, { decide }) => {
      const failures: unknown[] = [];
      const deleted = await deletedOf(grants, {
        client: proxied,
        onFailure: (error) => failures.push(error),
      });
      const [stuck] = grants as [AccessGrant];
      decide(({ method, path }) =>
        method === 'PATCH' && path.includes(stuck.uid) ? { status: 500 } : 'pass',
      );
      await deleted.turn(signal);
      expect(await Promise.all(grants.map(isThere))).toEqual([true, false, false]);
      expect(failures).toMatchObject([{ status: 500 }]);
      decide(() => 'pass');
      await deleted.turn(signal);
      expect(await isThere(stuck)).toBe(false);
    });
  });

  it('go also where nothing may be tried out, since that is asked of those alone that may not go', async () => {
    const place = await cluster.namespace();
    const grants = [...(await deletedIn([place], NOW, true)), ...(await deletedIn([place], NOW + DAYS))];
    await throughProxy(account.kubeconfig, async (proxied, { decide }) => {
      decide(({ method }) => (method === 'POST' ? { status: 400 } : 'pass'));
      await (await deletedOf(grants, { client: proxied })).turn(signal);
      expect(await Promise.all(grants.map(isThere))).toEqual([false, true]);
    });
  });

  it('are left for the next turn at once where the API server does not answer, or the turn has to end', async () => {
    const [first, second] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const grants = await deletedIn([first, second], NOW, true);
    await throughProxy(account.kubeconfig, async (proxied, { requests, decide }) => {
      const failures: unknown[] = [];
      const deleted = await deletedOf(grants, {
        client: proxied,
        onFailure: (error) => failures.push(error),
      });
      decide(() => 'drop');
      await deleted.turn(signal);
      expect(requests).toHaveLength(1);
      expect(failures).toHaveLength(1);
      await deleted.turn(AbortSignal.abort());
      expect(requests).toHaveLength(1);
      expect(failures).toHaveLength(1);
    });
  });

  it('have others go first in the turn after one in which nothing was answered of theirs', async () => {
    const [first, second] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const grants = await deletedIn([first, second], NOW, true);
    await throughProxy(account.kubeconfig, async (proxied, { decide }) => {
      const deleted = await deletedOf(grants, { client: proxied, onFailure: () => {} });
      decide(({ path }) => (path.includes(first) ? 'drop' : 'pass'));
      await deleted.turn(signal);
      expect(await Promise.all(grants.map(isThere))).toEqual([true, true]);
      await deleted.turn(signal);
      expect(await Promise.all(grants.map(isThere))).toEqual([true, false]);
    });
  });

  it('take turns with those of other namespaces, and end at once without a word when they have to', async () => {
    const [full, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const many = await storedGrant(store, { namespace: full, redemptionsAllowed: 120 });
    for (let slot = 0; slot < 120; slot += 1) await redeemed(many, { notAfter: NOW });
    const { items } = await cluster.admin.listAll<RedemptionResource>(REDEMPTIONS, { namespace: full });
    for (const { metadata } of items) await cluster.admin.delete(REDEMPTIONS, metadata);
    const waiting = await cluster.admin.listAll<RedemptionResource>(REDEMPTIONS, { namespace: full });
    await store.deleteGrant(many.uid);
    const [single] = await deletedIn([other], NOW, true);
    const stop = new AbortController();
    await throughProxy(account.kubeconfig, async (proxied, { requests, decide }) => {
      const deleted = await deletedOf([], { client: proxied });
      deleted.replace([...waiting.items, await resource(single as AccessGrant)].map(readWatchedRedemption));
      let left = 70;
      decide(({ method }) => {
        if (method === 'PATCH') left -= 1;
        if (left === 0) stop.abort();
        return 'pass';
      });
      await deleted.turn(stop.signal);
      const patched = requests
        .filter(({ method }) => method === 'PATCH')
        .map(({ path }) => path.includes(other));
      expect(patched.indexOf(true)).toBe(50);
      expect(patched).toHaveLength(70);
      decide(() => 'pass');
      await deleted.turn(signal);
      const there = await cluster.admin.listAll(REDEMPTIONS, { namespace: full });
      expect(there.items).toEqual([]);
    });
  });

  it('keep their slot though another namespace has some that name the same grant', async () => {
    const other = await cluster.namespace();
    const grant = await storedGrant(store, { namespace });
    await redeemed(grant, { notAfter: NOW });
    const own = await resource(grant);
    const key = { namespace: other, name: own.metadata.name };
    const { finalizers } = own.metadata;
    await cluster.admin.create(REDEMPTIONS, {
      ...own,
      metadata: { ...key, ...(finalizers && { finalizers }) },
    });
    for (const place of [own.metadata, key]) await cluster.admin.delete(REDEMPTIONS, place);
    const deleted = await deletedOf([]);
    const forged = await cluster.admin.get<RedemptionResource>(REDEMPTIONS, key);
    deleted.replace([forged, await resource(grant)].map(readWatchedRedemption));
    await deleted.turn(signal);
    expect(await cluster.admin.find(REDEMPTIONS, key)).toBeUndefined();
    expect(await isThere(grant)).toBe(true);
  });
});

describe('retention', () => {
  it('lets go of what was redeemed from a grant that is gone, once every certificate ended long ago', async () => {
    const place = await cluster.namespace();
    const gone = await storedGrant(store, { namespace: place, redemptionsAllowed: 2 });
    const there = await storedGrant(store, { namespace: place });
    const old = { notAfter: NOW + DAYS };
    const ids: string[] = [];
    for (const grant of [gone, gone, there]) ids.push((await redeemed(grant, old)).id);
    await store.revokeCode({ grantUid: gone.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW);
    await store.deleteGrant(gone.uid);
    const sweep = async (endedBefore: number) => {
      while (await store.removeOldLedger(endedBefore));
      const found = await Promise.all(ids.map((id) => store.findRedemption(id)));
      return found.map((redemption) => redemption !== undefined);
    };
    expect(await sweep(NOW + DAYS)).toEqual([true, true, true]);
    expect(await sweep(NOW + DAYS + 1)).toEqual([false, false, true]);
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toEqual([]);
    expect(await store.deleteEndedGrants(NOW + 99 * DAYS, NOW + 99 * DAYS)).toBe(0);
    expect(await store.findGrant(there.uid)).toBeDefined();
  });

  it('reads everything once for all the grants whose time has come', async () => {
    const place = await cluster.namespace();
    for (let made = 0; made < 3; made += 1) {
      const grant = await storedGrant(store, { namespace: place });
      await redeemed(grant, { notAfter: NOW });
      await store.deleteGrant(grant.uid);
    }
    await throughProxy(account.kubeconfig, async (proxied, { requests }) => {
      const old = kubernetesStore(proxied, { serviceNamespace: LINKGRANT, clock: () => NOW });
      let removed = 0;
      while (await old.removeOldLedger(NOW + 1)) removed += 1;
      expect(removed).toBeGreaterThanOrEqual(3);
      const listings = requests.filter(({ path }) => /\/v1alpha1\/redemptions\?/.test(path));
      expect(listings).toHaveLength(1);
    });
  });

  it('passes over what cannot be removed, and says so in the end', async () => {
    const place = await cluster.namespace();
    const grants: AccessGrant[] = [];
    for (let made = 0; made < 3; made += 1) {
      const grant = await storedGrant(store, { namespace: place });
      await redeemed(grant, { notAfter: NOW });
      await store.deleteGrant(grant.uid);
      grants.push(grant);
    }
    const [, stuck] = grants as [AccessGrant, AccessGrant];
    await throughProxy(account.kubeconfig, async (proxied, { decide }) => {
      const old = kubernetesStore(proxied, { serviceNamespace: LINKGRANT, clock: () => NOW });
      decide(({ method, path }) =>
        method === 'DELETE' && path.includes(stuck.uid) ? { status: 500 } : 'pass',
      );
      const all = async () => {
        while (await old.removeOldLedger(NOW + 1));
      };
      await expect(all()).rejects.toMatchObject({ code: 'store_unavailable' });
      const { items } = await cluster.admin.listAll<RedemptionResource>(REDEMPTIONS, { namespace: place });
      expect(items.map(({ spec }) => spec.grantUid)).toEqual([stuck.uid]);
      decide(() => 'pass');
      await all();
      expect(await cluster.admin.find(REDEMPTIONS, { namespace: place, name: slotName(stuck.uid, 0) })).toBe(
        undefined,
      );
    });
  });

  it('comes to an end where somebody keeps a Redemption, and is not held up by what another namespace tells', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const gone = await storedGrant(store, { namespace: place, redemptionsAllowed: 2 });
    for (let slot = 0; slot < 2; slot += 1) await redeemed(gone, { notAfter: NOW });
    const [kept, free] = [await resource(gone, 0), await resource(gone, 1)];
    const finalizers = [...(kept.metadata.finalizers ?? []), 'tenant.example.com/keep'];
    await cluster.admin.patch(REDEMPTIONS, kept.metadata, { metadata: { finalizers } });
    const { metadata, spec } = free;
    const later = { ...spec.certificate, notAfter: new Date(NOW + 9 * DAYS).toISOString() };
    await cluster.admin.create(REDEMPTIONS, {
      ...free,
      metadata: { name: metadata.name, namespace: other },
      spec: { ...spec, certificate: later },
    } as Resource);
    await store.deleteGrant(gone.uid);
    expect(await store.removeOldLedger(NOW + DAYS)).toBe(true);
    expect(await store.removeOldLedger(NOW + DAYS)).toBe(false);
    expect(await cluster.admin.find(REDEMPTIONS, free.metadata)).toBeUndefined();
    expect((await resource(gone, 0)).metadata.finalizers).toEqual(['tenant.example.com/keep']);
    await cluster.admin.patch(REDEMPTIONS, kept.metadata, { metadata: { finalizers: null } });
    await cluster.admin.delete(REDEMPTIONS, { namespace: other, name: metadata.name });
  });

  it('keeps what is noted of signed codes while a namespace has its ledger, whatever another one forges', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const gone = await storedGrant(store, { namespace: place });
    await redeemed(gone, { notAfter: NOW + 9 * DAYS });
    await store.revokeCode({ grantUid: gone.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW);
    await store.deleteGrant(gone.uid);
    const own = await resource(gone, 0);
    const ended = { ...own.spec.certificate, notAfter: new Date(NOW).toISOString() };
    await cluster.admin.create(REDEMPTIONS, {
      ...own,
      metadata: { name: own.metadata.name, namespace: other },
      spec: { ...own.spec, certificate: ended },
    } as Resource);
    expect(await store.removeOldLedger(NOW + DAYS)).toBe(true);
    expect(await cluster.admin.find(REDEMPTIONS, { ...own.metadata, namespace: other })).toBeUndefined();
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toMatchObject([{ jti: 'a' }]);
    expect(await store.removeOldLedger(NOW + 10 * DAYS)).toBe(true);
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toEqual([]);
  });

  it('forgets signed codes with the last ledger where those of two namespaces are over at once', async () => {
    const [place, other] = await Promise.all([cluster.namespace(), cluster.namespace()]);
    const gone = await storedGrant(store, { namespace: place });
    await redeemed(gone, { notAfter: NOW });
    await store.revokeCode({ grantUid: gone.uid, jti: 'a', uses: 1, expirationTime: NOW }, NOW);
    await store.deleteGrant(gone.uid);
    const own = await resource(gone, 0);
    const metadata = { name: own.metadata.name, namespace: other };
    await cluster.admin.create(REDEMPTIONS, { ...own, metadata } as Resource);
    while (await store.removeOldLedger(NOW + 1));
    for (const key of [own.metadata, metadata])
      expect(await cluster.admin.find(REDEMPTIONS, key)).toBeUndefined();
    expect((await store.listCodes({ limit: 10, grantUid: gone.uid })).items).toEqual([]);
  });
});

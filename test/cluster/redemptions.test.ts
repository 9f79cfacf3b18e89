import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import { ApiError } from '../../src/platforms/kubernetes/api-error.js';
import { type KubernetesClient, openKubernetesClient } from '../../src/platforms/kubernetes/client.js';
import {
  DeletedRedemptions,
  readWatchedRedemption,
} from '../../src/platforms/kubernetes/deleted-redemptions.js';
import { ACCESS_GRANTS, NAMESPACES, REDEMPTIONS, SECRETS } from '../../src/platforms/kubernetes/kinds.js';
import type { Resource, Stored } from '../../src/platforms/kubernetes/resource.js';
import {
  type KubernetesGrantStore,
  kubernetesStore,
  openKubernetesStore,
} from '../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  type RedemptionResource,
  slotName,
} from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { MINUTE, NOW, sampleRedemption, sampleRenewal, storedGrant } from '../support/store-samples.js';
import { LINKGRANT, type LinkgrantAccount } from './harness/linkgrant-account.js';
import { printedTable } from './harness/printed-table.js';
import { storeAccount } from './harness/store-account.js';
import { openTestCluster, type TestCluster } from './harness/test-cluster.js';
import { throughProxy } from './harness/through-proxy.js';

const DAYS = 24 * 60 * MINUTE;

let cluster: TestCluster;
let account: LinkgrantAccount;
let namespace: string;
let store: KubernetesGrantStore;
/** With the service's account. */
let client: KubernetesClient;
/** What happens just before the next Redemption is written. */
let beforeCommit: (() => Promise<unknown>) | undefined;

beforeAll(async () => {
  cluster = await openTestCluster();
  account = await storeAccount(cluster);
  namespace = await cluster.namespace();
  store = await openStore();
  client = await openKubernetesClient({ kubeconfig: [account.kubeconfig] });
});
afterEach(() => {
  beforeCommit = undefined;
});
afterAll(async () => {
  await store?.close();
  client?.close();
  account?.remove();
  await cluster?.close();
});

function openStore(): Promise<KubernetesGrantStore> {
  return openKubernetesStore({
    kubeconfig: [account.kubeconfig],
    serviceNamespace: LINKGRANT,
    clock: () => NOW,
    async checkpoint(name) {
      if (name === 'before-commit') await beforeCommit?.();
    },
  });
}

async function redeemed(grant: AccessGrant, changes: Parameters<typeof sampleRedemption>[1] = {}) {
  const redemption = sampleRedemption(grant.uid, { namespace: grant.namespace, ...changes });
  expect(await store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
  return redemption;
}

function resource({ uid, namespace: place }: AccessGrant, slot = 0): Promise<Stored<RedemptionResource>> {
  return cluster.admin.get(REDEMPTIONS, { namespace: place, name: slotName(uid, slot) });
}

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

async function refused(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return (error as ApiError).reason;
}

describe('a Redemption', () => {
  it('shows people whose link it is, and until when', async () => {
    const place = await cluster.namespace();
    const grant = await storedGrant(store, { namespace: place, name: 'to-west' });
    const { id } = await redeemed(grant, { name: 'east', subject: 'the east', notAfter: NOW + DAYS });
    const first = {
      Name: slotName(grant.uid, 0),
      Grant: 'to-west',
      Link: 'east',
      Subject: 'the east',
      'Not After': new Date(NOW + DAYS).toISOString(),
      'Renewed Until': null,
      Revoked: false,
    };
    expect(await printedTable(cluster.kubeconfig, REDEMPTIONS, place)).toEqual([first]);
    await store.recordRenewal(sampleRenewal(id, 1, { notAfter: NOW + 2 * DAYS }), NOW);
    await store.revokeRedemption(id, NOW);
    const later = { 'Renewed Until': new Date(NOW + 2 * DAYS).toISOString(), Revoked: true };
    expect(await printedTable(cluster.kubeconfig, REDEMPTIONS, place)).toEqual([{ ...first, ...later }]);
  });

  it('does not change, but for being revoked once and for all', async () => {
    const grant = await storedGrant(store, { namespace });
    await redeemed(grant, { jti: 'a', siteUid: 'a-site', issuer: 'a-ca' });
    const { metadata, spec } = await resource(grant);
    const key = { namespace, name: metadata.name };
    const changes: Record<string, unknown>[] = [
      ...Object.keys(spec)
        .filter((field) => field !== 'revoked' && typeof spec[field as keyof typeof spec] !== 'object')
        .map((field) => ({ [field]: changedValue(spec[field as keyof typeof spec]) })),
      { issuer: null },
      { siteUid: null },
      { code: null },
      { sealedUntil: new Date(NOW).toISOString() },
      { code: { jti: 'another' } },
      { certificate: { serial: 'another' } },
      { policy: { 'linkgrant/names': 'any' } },
    ];
    for (const change of changes) {
      const patched = cluster.admin.patch(REDEMPTIONS, key, { spec: change });
      expect(await refused(patched), JSON.stringify(change)).toBe('invalid');
    }
    await cluster.admin.patch(REDEMPTIONS, key, { spec: { revoked: true } });
    expect(await refused(cluster.admin.patch(REDEMPTIONS, key, { spec: { revoked: false } }))).toBe(
      'invalid',
    );
  });

  it('that a person revokes counts as revoked, and is not renewed', async () => {
    const grant = await storedGrant(store, { namespace });
    const { id } = await redeemed(grant);
    const key = { namespace, name: slotName(grant.uid, 0) };
    await cluster.admin.patch(REDEMPTIONS, key, { spec: { revoked: true } });
    expect((await store.findRedemption(id))?.revokedAt).not.toBeNull();
    expect(await store.recordRenewal(sampleRenewal(id, 1), NOW)).toEqual({ refused: 'redemption_revoked' });
    expect(await store.revokeRedemption(id, NOW)).toBe(false);
  });

  it('keeps earlier certificates in mind for revocation lists, and is never too large', async () => {
    const grant = await storedGrant(store, { namespace });
    const { id, serial } = await redeemed(grant, { issuerSha256: 'c'.repeat(64) });
    const renewals = Array.from({ length: 5 }, (_, index) =>
      sampleRenewal(id, index + 1, { issuerSha256: 'c'.repeat(64), notAfter: NOW + (index + 1) * DAYS }),
    );
    for (const renewal of renewals) await store.recordRenewal(renewal, NOW);
    await store.revokeRedemption(id, NOW + 1);
    const valid = (await store.listRevokedCertificates('c'.repeat(64), NOW + DAYS)).map((one) => one.serial);
    expect(valid.sort()).toEqual([serial, ...renewals.slice(1).map((one) => one.serial)].sort());
    const { status } = await resource(grant);
    expect(status?.renewals).toHaveLength(2);
    const kinds = (await store.listLedger({ limit: 100, grantUid: grant.uid })).items.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'renewed')).toHaveLength(5);
  });

  it('of somebody else who wrote the same id elsewhere is not taken for it', async () => {
    const grant = await storedGrant(store, { namespace });
    const redemption = await redeemed(grant);
    const { metadata, spec, ...rest } = await resource(grant);
    const tenant = await cluster.namespace();
    const forged = {
      name: metadata.name,
      namespace: tenant,
      ...(metadata.labels && { labels: metadata.labels }),
    };
    await cluster.admin.create(REDEMPTIONS, {
      ...rest,
      metadata: forged,
      spec: { ...spec, replayKey: 'of-the-tenant', revoked: true },
    } as Resource);
    expect((await openedAnew((anew) => anew.findRedemption(redemption.id)))?.namespace).toBe(namespace);
    expect(await openedAnew((anew) => anew.findReplay(grant.uid, 'of-the-tenant'))).toBeUndefined();
  });
});

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

describe('a grant', () => {
  it('that is deleted and made again is a new one, with all its uses, and the old one is unknown', async () => {
    const first = await storedGrant(store, { namespace, name: 'of-gitops' });
    await redeemed(first);
    await cluster.admin.delete(ACCESS_GRANTS, { namespace, name: 'of-gitops' });
    const second = await storedGrant(store, { namespace, name: 'of-gitops' });
    const late = sampleRedemption(first.uid, { namespace });
    expect(await store.recordRedemption(first.uid, late, NOW)).toEqual({ refused: 'grant_unknown' });
    expect(await store.findGrant(first.uid)).toBeUndefined();
    await redeemed(second);
  });

  it('that is replaced while it is redeemed gives no certificate', async () => {
    const grant = await storedGrant(store, { namespace, name: 'replaced' });
    beforeCommit = async () => {
      beforeCommit = undefined;
      await cluster.admin.delete(ACCESS_GRANTS, { namespace, name: 'replaced' });
      await storedGrant(store, { namespace, name: 'replaced' });
    };
    const redemption = sampleRedemption(grant.uid, { namespace });
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toEqual({ refused: 'grant_unknown' });
    expect((await store.findRedemption(redemption.id))?.revokedAt).toBe(NOW);
  });

  it('that is revoked while it is redeemed, with all its links, leaves none', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 5 });
    await redeemed(grant);
    beforeCommit = () => store.revokeGrant(grant.uid, NOW, true);
    const redemption = sampleRedemption(grant.uid, { namespace });
    expect(await store.recordRedemption(grant.uid, redemption, NOW)).toEqual({ refused: 'grant_revoked' });
    const { items } = await store.listRedemptions({ limit: 10, grantUid: grant.uid });
    expect(items.map(({ revokedAt }) => revokedAt)).toEqual([NOW, NOW]);
  });

  it.each([
    ['a window that is none', { expirationWindow: '1 day' }],
    ['a weak code', { code: 'secret' }],
    ['a rule that is none', { settings: { 'linkgrant/subject': 'one' } }],
    ['an issuer that is no name', { issuer: 'Not A Name' }],
    ['more uses than can be counted', { redemptionsAllowed: 2_000_000 }],
  ])('with %s is not redeemed', async (_what, spec) => {
    const grant = await storedGrant(store, { namespace });
    await cluster.admin.patch(ACCESS_GRANTS, { namespace, name: grant.name }, { spec });
    const redemption = sampleRedemption(grant.uid, { namespace });
    const outcome = await store.recordRedemption(grant.uid, redemption, NOW);
    expect(outcome).toEqual({ refused: 'link_access_unavailable' });
  });

  it('keeps the settings of others when its policy changes', async () => {
    const grant = await storedGrant(store, { namespace, policy: { names: ['a'], csrRequired: true } });
    const key = { namespace, name: grant.name };
    await cluster.admin.patch(ACCESS_GRANTS, key, { spec: { settings: { theirs: 'stays' } } });
    await store.updateGrant(grant.uid, { policy: { names: ['b'] } });
    const { spec } = (await cluster.admin.get(ACCESS_GRANTS, key)) as unknown as { spec: object };
    expect(spec).toMatchObject({ settings: { theirs: 'stays', 'linkgrant/names': 'b' } });
    expect(spec).not.toMatchObject({ settings: { 'linkgrant/csr-required': expect.anything() } });
  });
});

describe('what is sealed', () => {
  it('is in the namespace of the service alone, and is not left behind by a refusal', async () => {
    const grant = await storedGrant(store, { namespace });
    const sealed = {
      mode: 'stock',
      sealedAnswer: new Uint8Array(48).fill(7),
      sealedUntil: NOW + MINUTE,
    } as const;
    const { id } = await redeemed(grant, sealed);
    const late = sampleRedemption(grant.uid, { namespace, ...sealed });
    expect(await store.recordRedemption(grant.uid, late, NOW)).toEqual({ refused: 'grant_exhausted' });
    const names = async (place: string) =>
      (await cluster.admin.listAll(SECRETS, { namespace: place })).items.map(({ metadata }) => metadata.name);
    expect(await names(LINKGRANT)).toEqual([`linkgrant-sealed-${id}`]);
    expect(await names(namespace)).toEqual([]);
    expect(JSON.stringify(await resource(grant))).not.toContain(Buffer.alloc(12, 7).toString('base64'));
    await store.revokeRedemption(id, NOW);
    expect(await names(LINKGRANT)).toEqual([]);
  });
});

/** What a store tells that has read nothing before. */
async function openedAnew<T>(ask: (anew: KubernetesGrantStore) => Promise<T>): Promise<T> {
  const anew = await openStore();
  try {
    return await ask(anew);
  } finally {
    await anew.close();
  }
}

function changedValue(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  return value === 'csr' ? 'stock' : new Date(NOW + DAYS).toISOString();
}

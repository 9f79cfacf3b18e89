import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, REDEMPTIONS, SECRETS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { ListingLocator } from '../../../src/platforms/kubernetes/store/grant-locator.js';
import { kubernetesStore } from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import {
  RedemptionIndex,
  readRedemptionLocation,
} from '../../../src/platforms/kubernetes/store/redemption-index.js';
import { redemptionResource, slotName } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { LazyStoreWatch } from '../../../src/platforms/kubernetes/store/store-watch.js';
import { expensiveGlobs } from '../../support/expensive-globs.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import {
  MINUTE,
  NOW,
  recordRenewalOf,
  sampleRedemption,
  sampleRenewal,
  storedGrant,
} from '../../support/store-samples.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { printedTable } from '../harness/printed-table.js';
import { openStoreCluster } from '../harness/store-cluster.js';
import { throughProxy } from '../harness/through-proxy.js';

const DAYS = 24 * 60 * MINUTE;

/** What happens just before the next Redemption is written. */
let beforeCommit: (() => Promise<unknown>) | undefined;

const opened = releaseAfterFile(await openStoreCluster(async () => beforeCommit?.()));
const { cluster, namespace, store, redeemed, resource, withNewStore } = opened;
afterEach(() => {
  beforeCommit = undefined;
});

describe('a Redemption', () => {
  it('shows its grant, link, subject, expiry and revocation in kubectl get', async () => {
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
    await recordRenewalOf(store, sampleRenewal(id, 1, { notAfter: NOW + 2 * DAYS }), NOW);
    await store.revokeRedemption(id, NOW);
    const later = { 'Renewed Until': new Date(NOW + 2 * DAYS).toISOString(), Revoked: true };
    expect(await printedTable(cluster.kubeconfig, REDEMPTIONS, place)).toEqual([{ ...first, ...later }]);
  });

  it('that was recorded with globs that take long to match retains its policy for renewals', async () => {
    const grant = await storedGrant(store, { namespace });
    const policy = { subjects: ['early', ...expensiveGlobs(999)], certificateLifetimeMs: DAYS };
    const { id } = await redeemed(grant, { policy });
    expect((await store.findRenewedRedemption(id))?.redemption.policy).toEqual(policy);
  });

  it('cannot be changed, except to be revoked permanently', async () => {
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
      await expect(patched, JSON.stringify(change)).rejects.toMatchObject({ reason: 'invalid' });
    }
    await cluster.admin.patch(REDEMPTIONS, key, { spec: { revoked: true } });
    const restored = cluster.admin.patch(REDEMPTIONS, key, { spec: { revoked: false } });
    await expect(restored).rejects.toMatchObject({ reason: 'invalid' });
  });

  it('is revoked and not renewed if a user sets spec.revoked', async () => {
    const grant = await storedGrant(store, { namespace });
    const { id } = await redeemed(grant);
    const key = { namespace, name: slotName(grant.uid, 0) };
    await cluster.admin.patch(REDEMPTIONS, key, { spec: { revoked: true } });
    expect((await store.findRedemption(id))?.revokedAt).not.toBeNull();
    expect(await recordRenewalOf(store, sampleRenewal(id, 1), NOW)).toEqual({
      refused: 'redemption_revoked',
    });
    expect(await store.revokeRedemption(id, NOW)).toBe(false);
  });

  it('stores two renewals, and lists all of them in the ledger', async () => {
    const grant = await storedGrant(store, { namespace });
    const { id } = await redeemed(grant);
    for (let number = 1; number <= 5; number += 1) {
      await recordRenewalOf(store, sampleRenewal(id, number), NOW);
    }
    const { status } = await resource(grant);
    expect(status?.renewals).toHaveLength(2);
    const kinds = (await store.listLedger({ limit: 100, grantUid: grant.uid })).items.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'renewed')).toHaveLength(5);
  });

  it('is ignored if it is a forged copy in another namespace', async () => {
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
    expect((await withNewStore((anew) => anew.findRedemption(redemption.id)))?.namespace).toBe(namespace);
    expect(await withNewStore((anew) => anew.findReplay(grant.uid, 'of-the-tenant'))).toBeUndefined();
  });

  it('is neither a link, an attempt nor a token of a grant in another namespace', async () => {
    const grant = await storedGrant(store, { namespace });
    await redeemed(grant, { subject: 'genuine', jti: 'a-token' });
    const tenant = await cluster.namespace();
    const forged = sampleRedemption(grant.uid, { namespace: tenant, subject: 'forged', jti: 'forged' });
    await cluster.admin.create(REDEMPTIONS, redemptionResource(forged, grant.name, 1, undefined));
    // The watch reports this one after the forged one; its grant does not exist, so nothing shows whether it is forged.
    const later = sampleRedemption(randomUUID(), { namespace: tenant, subject: 'later' });
    await cluster.admin.create(REDEMPTIONS, redemptionResource(later, 'deleted', 1, undefined));
    const subjectsOf = async (page: { readonly grantUid?: string }) => {
      const found = await store.listLinks({ limit: 500, ...page }, () => true);
      return found.items.map(({ subject }) => subject);
    };
    expect(await subjectsOf({ grantUid: grant.uid })).toEqual(['genuine']);
    expect(await subjectsOf({})).not.toContain('forged');
    // Starts the watch; from then on the store reads links from it.
    await store.readChanges();
    await retryUntil('the watch has both', async () => (await subjectsOf({})).includes('later'));
    await retryUntil('the watch has the grant', async () => !(await subjectsOf({})).includes('forged'));
    const attempts = await store.listAttempts(grant.uid, 10);
    expect(attempts.map(({ subject }) => subject)).toEqual(['genuine']);
    const ofGrant = ({ grantUid }: { readonly grantUid: string }) => grantUid === grant.uid;
    const listed = (await store.listRedemptions({ limit: 500 })).items.filter(ofGrant);
    expect(listed.map(({ subject }) => subject)).toEqual(['genuine']);
    const entries = (await store.listLedger({ limit: 500 })).items.filter(ofGrant);
    expect(entries.map(({ detail }) => detail.subject)).toEqual(['genuine']);
    const tokens = (await store.listCodes({ limit: 500 })).items.filter(ofGrant);
    expect(tokens.map(({ jti }) => jti)).toEqual(['a-token']);
    expect(await store.countCodes(grant.uid)).toMatchObject({ recorded: 1 });
  });
});

describe('a renewal', () => {
  it('finds its Redemption with one listing, or none if a listing or a watch reported it before', async () => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 2 });
    const [first, second] = [await redeemed(grant), await redeemed(grant)];
    const location = readRedemptionLocation(await resource(grant, 1));
    await throughProxy(opened.account.kubeconfig, async (proxied, { requests }) => {
      const clock = () => NOW;
      const redemptions = new RedemptionIndex();
      const proxiedStore = kubernetesStore(proxied, {
        serviceNamespace: LINKGRANT,
        clock,
        indexes: {
          locator: new ListingLocator(proxied, undefined),
          redemptions,
          watch: new LazyStoreWatch(proxied, { namespace: undefined, clock, index: redemptions }),
        },
      });
      const renew = async ({ id }: { readonly id: string }) => {
        const before = requests.length;
        expect(await proxiedStore.findRenewedRedemption(id)).toMatchObject({ redemption: { id } });
        expect(await recordRenewalOf(proxiedStore, sampleRenewal(id, 1), NOW)).toBe('recorded');
        return requests.slice(before).filter(({ path }) => path.includes('/redemptions?')).length;
      };
      expect(await renew(first)).toBe(1);
      redemptions.put(location);
      expect(await renew(second)).toBe(0);
      await proxiedStore.close();
    });
  });
});

describe('a grant', () => {
  it('is a new one with all its uses after it is deleted and created again, and the old one is unknown', async () => {
    const first = await storedGrant(store, { namespace, name: 'of-gitops' });
    await redeemed(first);
    await cluster.admin.delete(ACCESS_GRANTS, { namespace, name: 'of-gitops' });
    const second = await storedGrant(store, { namespace, name: 'of-gitops' });
    const late = sampleRedemption(first.uid, { namespace });
    expect(await store.recordRedemption(first.uid, late, NOW)).toEqual({ refused: 'grant_unknown' });
    expect(await store.findGrant(first.uid)).toBeUndefined();
    await redeemed(second);
  });

  it.each([
    ['an issuer that is not a valid name', { issuer: 'Not A Name' }],
    ['more uses than the maximum', { redemptionsAllowed: 2_000_000 }],
  ])('is not redeemed with %s', async (_what, spec) => {
    const grant = await storedGrant(store, { namespace });
    await cluster.admin.patch(ACCESS_GRANTS, { namespace, name: grant.name }, { spec });
    const redemption = sampleRedemption(grant.uid, { namespace });
    const outcome = await store.recordRedemption(grant.uid, redemption, NOW);
    expect(outcome).toEqual({ refused: 'link_access_unavailable' });
  });

  it('retains the settings of others when its policy changes', async () => {
    const grant = await storedGrant(store, { namespace, policy: { names: ['a'], csrRequired: true } });
    const key = { namespace, name: grant.name };
    await cluster.admin.patch(ACCESS_GRANTS, key, { spec: { settings: { theirs: 'stays' } } });
    await store.updateGrant(grant.uid, { policy: { names: ['b'], csrRequired: null } });
    const { spec } = (await cluster.admin.get(ACCESS_GRANTS, key)) as unknown as { spec: object };
    expect(spec).toMatchObject({ settings: { theirs: 'stays', 'linkgrant/names': 'b' } });
    expect(spec).not.toMatchObject({ settings: { 'linkgrant/csr-required': expect.anything() } });
  });
});

describe('the sealed answer', () => {
  it('is stored only in the namespace of the service, and deleted after a refusal or a revocation', async () => {
    const grant = await storedGrant(store, { namespace });
    const sealed = {
      mode: 'stock',
      sealedAnswer: new Uint8Array(48).fill(7),
      sealedUntil: NOW + MINUTE,
    } as const;
    const { id } = await redeemed(grant, sealed);
    const late = sampleRedemption(grant.uid, { namespace, ...sealed });
    expect(await store.recordRedemption(grant.uid, late, NOW)).toEqual({ refused: 'grant_exhausted' });
    const entries = async (place: string) => {
      const selection = { namespace: place };
      const { items } = await cluster.admin.listAll<Resource & { readonly data?: object }>(
        SECRETS,
        selection,
      );
      return items.flatMap(({ metadata, data = {} }) =>
        Object.keys(data).map((key) => `${metadata.name} ${key}`),
      );
    };
    expect(await entries(LINKGRANT)).toEqual([`linkgrant-sealed-${id.charAt(0)} ${id}.${NOW + MINUTE}`]);
    expect(await entries(namespace)).toEqual([]);
    expect(JSON.stringify(await resource(grant))).not.toContain(Buffer.alloc(12, 7).toString('base64'));
    await store.revokeRedemption(id, NOW);
    expect(await entries(LINKGRANT)).toEqual([]);
  });
});

function changedValue(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  return value === 'csr' ? 'stock' : new Date(NOW + DAYS).toISOString();
}

import { afterEach, describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import { REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import { openKubernetesStore } from '../../../src/platforms/kubernetes/store/kubernetes-store.js';
import { redemptionResource } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import {
  MINUTE,
  NOW,
  recordedRedemption,
  sampleRedemption,
  storedGrant,
} from '../../support/store-samples.js';
import { type Fate, startApiProxy } from '../harness/api-proxy.js';
import { LINKGRANT } from '../harness/linkgrant-account.js';
import { redemptionsOf } from '../harness/served.js';
import { storeAccount } from '../harness/store-account.js';
import { openTestCluster } from '../harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster({ own: true }));
const account = await storeAccount(cluster);
const namespace = await cluster.namespace();
const proxy = releaseAfterFile(await startApiProxy(account.kubeconfig));
const options = { kubeconfig: [proxy.kubeconfig], serviceNamespace: LINKGRANT };
// With the default deadline, a slow machine would refuse some of the concurrent redemptions.
const store = releaseAfterFile(
  await openKubernetesStore({ ...options, clock: () => NOW, deadlineMs: 60_000 }),
);
afterEach(() => proxy.decide(() => 'pass'));

/** Sets the fates of the next creations of Redemptions, in their order. All other requests pass. */
function setCreationFates(...fates: readonly Fate[]): void {
  const left = [...fates];
  proxy.decide(({ method, path }) =>
    method === 'POST' && path.includes('/redemptions') ? (left.shift() ?? 'pass') : 'pass',
  );
}

describe('a grant with some uses spent', () => {
  async function grantWithUses(uses: number): Promise<AccessGrant> {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 100 });
    const record = () => store.recordRedemption(grant.uid, sampleRedemption(grant.uid, { namespace }), NOW);
    await Promise.all(Array.from({ length: uses }, record));
    return grant;
  }

  it('needs at most 12 requests for a redemption by a new process', async () => {
    const grant = await grantWithUses(60);
    const fresh = releaseAfterTest(await openKubernetesStore({ ...options, clock: () => NOW }));
    const before = proxy.requests.length;
    const redemption = sampleRedemption(grant.uid, { namespace });
    expect(await fresh.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
    expect(proxy.requests.length - before).toBeLessThanOrEqual(12);
    expect(await redemptionsOf(cluster, grant)).toHaveLength(61);
  });

  it('spends no use for a client that waited too long', async () => {
    const grant = await grantWithUses(2);
    const late = releaseAfterTest(await openKubernetesStore({ ...options, clock: () => NOW, deadlineMs: 0 }));
    const unanswered = late.recordRedemption(grant.uid, sampleRedemption(grant.uid, { namespace }), NOW);
    await expect(unanswered).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await redemptionsOf(cluster, grant)).toHaveLength(2);
  });

  it('spends no use in the last second before the client gets 503', async () => {
    const grant = await grantWithUses(2);
    const redemption = sampleRedemption(grant.uid, { namespace });
    const service = releaseAfterTest(await openKubernetesStore({ ...options, clock: () => NOW }));
    // The service responds 8 s after the arrival of the request.
    const rules = { receivedAt: performance.now() - 7_000 };
    const late = service.recordRedemption(grant.uid, redemption, NOW, rules);
    await expect(late).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await redemptionsOf(cluster, grant)).toHaveLength(2);
  });
});

describe('a creation with an unknown outcome', () => {
  const record = async (...fates: readonly Fate[]) => {
    const grant = await storedGrant(store, { namespace, redemptionsAllowed: 2 });
    const redemption = sampleRedemption(grant.uid, { namespace });
    setCreationFates(...fates);
    const outcome = await store.recordRedemption(grant.uid, redemption, NOW);
    return { grant, redemption, outcome };
  };

  it.each<[string, readonly Fate[]]>([
    ['is carried out and its answer cut off', ['cut']],
    ['is carried out and its answer cut off in the middle', [{ cutAfterBytes: 20 }]],
    ['does not arrive', ['drop']],
    ['is answered with 500', [{ status: 500 }]],
    ['is answered with 429', [{ status: 429, headers: { 'retry-after': '1' } }]],
    ['is cut off, dropped, cut off and refused in turn', ['cut', 'drop', 'cut', { status: 503 }]],
  ])('is counted once when it %s', async (_what, fates) => {
    const { grant, redemption, outcome } = await record(...fates);
    expect(outcome).toBe('recorded');
    expect((await redemptionsOf(cluster, grant)).map(({ spec }) => spec.id)).toEqual([redemption.id]);
    expect(await recordedRedemption(store, redemption.id)).toEqual(redemption);
  });
});

describe('a redemption that replaces another one', () => {
  /** Records a redemption in `place`, and what is needed to record the one that replaces it in the namespace of the tests. */
  async function replacementOf(place: string) {
    const grants = { namespace: place, redemptionsAllowed: 2 };
    const replaced = sampleRedemption((await storedGrant(store, grants)).uid, { namespace: place });
    expect(await store.recordRedemption(replaced.grantUid, replaced, NOW)).toBe('recorded');
    const grant = await storedGrant(store, { namespace });
    const jti = `re-${replaced.id}-1`;
    const code = { jti, uses: 1, expirationTime: NOW + MINUTE, subject: 'site-a', replaces: replaced.id };
    const replacement = sampleRedemption(grant.uid, { namespace, jti });
    const record = () => store.recordRedemption(grant.uid, replacement, NOW, { signedCode: code });
    return {
      grant,
      replacement,
      record,
      revokedAt: async () => (await store.findRedemption(replaced.id))?.revokedAt,
    };
  }

  it('is returned neither as recorded nor as a replay before the other one is revoked', async () => {
    const { grant, replacement, record, revokedAt } = await replacementOf(namespace);
    const findReplay = () => store.findReplay(grant.uid, replacement.replayKey);
    proxy.decide(({ method, path }) =>
      method === 'PATCH' && path.includes('/redemptions/') ? { status: 403 } : 'pass',
    );
    for (const answer of [record, findReplay, record, findReplay])
      await expect(answer()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect((await redemptionsOf(cluster, grant)).map(({ spec }) => spec.id)).toEqual([replacement.id]);
    expect(await revokedAt()).toBeNull();
    proxy.decide(() => 'pass');
    expect((await findReplay())?.id).toBe(replacement.id);
    expect(await revokedAt()).toBe(NOW);
    expect(await record()).toBe('recorded');
  });

  it('does not revoke the other one if it was revoked itself before its request is repeated', async () => {
    const { grant, replacement, record, revokedAt } = await replacementOf(namespace);
    proxy.decide(({ method, path }) =>
      method === 'PATCH' && path.includes('/redemptions/') ? { status: 403 } : 'pass',
    );
    await expect(record()).rejects.toMatchObject({ code: 'store_unavailable' });
    proxy.decide(() => 'pass');
    expect(await store.revokeRedemption(replacement.id, NOW)).toBe(true);
    expect((await store.findReplay(grant.uid, replacement.replayKey))?.revokedAt).toBe(NOW);
    expect(await revokedAt()).toBeNull();
  });

  it('does not revoke a Redemption of another namespace', async () => {
    const { record, revokedAt } = await replacementOf(await cluster.namespace());
    expect(await record()).toBe('recorded');
    expect(await revokedAt()).toBeNull();
  });
});

describe('a cluster without its API server', () => {
  it('records nothing, and continues after the API server is back', async () => {
    const controlPlane = cluster.ownControlPlane();
    const grant = await storedGrant(store, { namespace });
    const impatient = releaseAfterTest(
      await openKubernetesStore({ ...options, clock: () => NOW, deadlineMs: 500 }),
    );
    await controlPlane.stopApiServer();
    const redemption = sampleRedemption(grant.uid, { namespace });
    const away = { code: 'store_unavailable' };
    await expect(impatient.recordRedemption(grant.uid, redemption, NOW)).rejects.toMatchObject(away);
    await expect(impatient.probe()).rejects.toMatchObject(away);
    controlPlane.startApiServer();
    // For some time after its start an API server forbids everything, because it has not read its roles.
    const outcome = await retryUntil('the store', () => store.recordRedemption(grant.uid, redemption, NOW));
    expect(outcome).toBe('recorded');
    await retryUntil('the probe', async () => {
      await impatient.probe();
      return true;
    });
    // Listings of the API server recover later than its writes.
    const slots = await retryUntil('the listing', () => redemptionsOf(cluster, grant));
    expect(slots).toHaveLength(1);
  });
});

it('a replay that is refused revokes no link that it would replace', async () => {
  const grant = await storedGrant(store, { namespace, redemptionsAllowed: 5 });
  const replaced = sampleRedemption(grant.uid, { namespace });
  await store.recordRedemption(grant.uid, replaced, NOW);
  const jti = `re-${replaced.id}-1`;
  const code = { jti, uses: 1, expirationTime: NOW + MINUTE, subject: 'site-a' };
  const signedCode = { ...code, replaces: replaced.id };
  const redemption = sampleRedemption(grant.uid, { namespace, jti });
  // What a replica leaves that ended after the creation, before it read the grant again.
  await cluster.admin.create(REDEMPTIONS, redemptionResource(redemption, grant.name, 1, signedCode));
  await store.revokeGrant(grant.uid, NOW);
  expect(await store.findReplay(grant.uid, redemption.replayKey)).toBeUndefined();
  const again = sampleRedemption(grant.uid, { namespace, jti, replayKey: redemption.replayKey });
  expect(await store.recordRedemption(grant.uid, again, NOW, { signedCode })).toEqual({
    refused: 'grant_revoked',
  });
  expect((await store.findRedemption(replaced.id))?.revokedAt).toBeNull();
});

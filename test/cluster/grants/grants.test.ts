import { describe, expect, it } from 'vitest';
import { ACCESS_GRANTS, EVENTS, REDEMPTIONS, SITES } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import type {
  AccessGrantResource,
  AccessGrantSpec,
} from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { redemptionResource } from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import { releaseAfterFile } from '../../support/release.js';
import { retryUntil } from '../../support/retry-until.js';
import { RecordedSite } from '../../support/sites/kubernetes-site.js';
import { sampleRedemption } from '../../support/store-samples.js';
import { putSite } from '../harness/cluster-sites.js';
import { SERVICE_ENDPOINT, startController } from '../harness/controller.js';
import { linkgrantAccount } from '../harness/linkgrant-account.js';
import { createGrant } from '../harness/served.js';
import { openTestCluster } from '../harness/test-cluster.js';

type Grant = Stored<AccessGrantResource>;

const cluster = releaseAfterFile(await openTestCluster());
const account = await linkgrantAccount(cluster);
const west = await cluster.namespace();
await putSite(cluster.admin, west);
const running = releaseAfterFile(await startController(account.kubeconfig));
await retryUntil('the lead', async () => running.controller.isLeading);

const make = (name: string, spec?: AccessGrantSpec) => createGrant(cluster, west, name, spec);

function read(name: string, namespace = west): Promise<Grant> {
  return cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
}

/** Waits until `satisfies` accepts a grant, and returns the grant. */
function grantWith(
  name: string,
  satisfies: (grant: Grant) => boolean | undefined,
  namespace = west,
): Promise<Grant> {
  return retryUntil(`the status of ${name}`, async () => {
    const grant = await read(name, namespace);
    return satisfies(grant) ? grant : undefined;
  });
}

const conditions = (grant: Grant) =>
  Object.fromEntries(
    (grant.status?.conditions ?? []).map(({ type, status, reason, message }) => [
      type,
      `${status} ${reason} ${message}`,
    ]),
  );
const isReady = (grant: Grant) => conditions(grant).Ready?.startsWith('True');

/** Creates the Redemption of a grant's slot, as the store would record it. */
async function use({ metadata: { uid, name, namespace = '' } }: Grant, slot: number): Promise<void> {
  const redemption = sampleRedemption(uid, { namespace });
  await cluster.admin.create(REDEMPTIONS, redemptionResource(redemption, name, slot, undefined));
}

describe('an AccessGrant', () => {
  it('becomes Ready with an empty spec: with url, code, ca, and an expiry 15 minutes later', async () => {
    const before = Date.now();
    const made = await make('plain');
    const grant = await grantWith('plain', isReady);
    const { status = {} } = grant;
    expect(status.url).toBe(`${SERVICE_ENDPOINT.url}/${made.metadata.uid}`);
    expect(status.ca).toBe(SERVICE_ENDPOINT.ca);
    expect(status.code).toMatch(/^[A-Za-z0-9]{24}$/);
    const window = Date.parse(status.expirationTime ?? '') - before;
    expect(window).toBeGreaterThanOrEqual(15 * 60_000 - 1_000);
    expect(window).toBeLessThan(16 * 60_000);
    expect(status).toMatchObject({ status: 'Ready', message: 'OK' });
    expect(conditions(grant)).toEqual({
      Processed: 'True Ready OK',
      Resolved: 'True Ready OK',
      Ready: 'True Ready OK',
    });
    expect(grant.spec).toEqual(made.spec);
    expect(grant.metadata.generation).toBe(1);
  });

  it('uses the window and the code of its spec', async () => {
    const code = 'chosen-by-a-person';
    const before = Date.now();
    await make('asked', {
      expirationWindow: '2d',
      redemptionsAllowed: 3,
      code,
      settings: { 'linkgrant/names': 'a-*' },
    });
    const { status = {} } = await grantWith('asked', isReady);
    expect(status.code).toBe(code);
    const days = (Date.parse(status.expirationTime ?? '') - before) / 86_400_000;
    expect(Math.round(days * 1_000) / 1_000).toBe(2);
  });

  it.each<[string, AccessGrantSpec, string]>([
    [
      'an invalid window',
      { expirationWindow: '3 days' },
      'Invalid duration "3 days": time: unknown unit " days" in duration "3 days"',
    ],
    ['a code that is too short', { code: 'short' }, 'the code must have at least 16 characters'],
    ['an unknown setting', { settings: { 'linkgrant/sbjects': 'a' } }, 'is not a setting'],
    ['an issuer that is not a name', { issuer: '../x' }, 'issuer'],
  ])('reports %s, and gets neither code nor expiry', async (what, spec, message) => {
    const name = what.replace(/[^a-z]+/g, '-');
    await make(name, spec);
    const grant = await grantWith(name, (found) => conditions(found).Processed !== undefined);
    expect(conditions(grant).Processed).toContain(`False Error`);
    expect(conditions(grant).Processed).toContain(message);
    expect(conditions(grant).Ready).toBe(conditions(grant).Processed);
    expect(grant.status).toMatchObject({ status: 'Error' });
    expect(grant.status?.expirationTime).toBeUndefined();
    expect(grant.status?.code).toBeUndefined();
    expect(grant.spec).toEqual(spec);
  });

  it('becomes Ready when it is corrected, and its window starts then', async () => {
    await make('mended', { expirationWindow: '3 days' });
    await grantWith('mended', (grant) => conditions(grant).Processed?.startsWith('False'));
    await cluster.admin.patch(
      ACCESS_GRANTS,
      { namespace: west, name: 'mended' },
      { spec: { expirationWindow: '1h' } },
    );
    const { status = {}, metadata } = await grantWith('mended', isReady);
    expect(Date.parse(status.expirationTime ?? '')).toBeGreaterThan(Date.now() + 59 * 60_000);
    expect(
      status.conditions?.every(({ observedGeneration }) => observedGeneration === metadata.generation),
    ).toBe(true);
  });

  it('retains code and expiry when its spec is changed later', async () => {
    await make('kept', { expirationWindow: '1h' });
    const before = await grantWith('kept', isReady);
    const changed = {
      spec: { expirationWindow: '2h', code: 'another-code-of-a-person', redemptionsAllowed: 9 },
    };
    await cluster.admin.patch(ACCESS_GRANTS, { namespace: west, name: 'kept' }, changed);
    const after = await grantWith('kept', ({ status }) => status?.conditions?.[0]?.observedGeneration === 2);
    expect(after.status?.code).toBe(before.status?.code);
    expect(after.status?.expirationTime).toBe(before.status?.expirationTime);
  });

  it('counts uses, is Exhausted at its limit, and Ready again when the limit is raised', async () => {
    await make('used', { redemptionsAllowed: 2 });
    const grant = await grantWith('used', isReady);
    await use(grant, 0);
    expect(isReady(await grantWith('used', ({ status }) => status?.redemptions === 1))).toBe(true);
    await use(grant, 1);
    const exhausted = await grantWith('used', ({ status }) => status?.redemptions === 2);
    expect(conditions(exhausted)).toMatchObject({
      Exhausted: 'True Exhausted All allowed redemptions of the grant are used',
      Ready: 'False Exhausted All allowed redemptions of the grant are used',
    });
    expect(exhausted.status?.status).toBe('Exhausted');
    await retryUntil('an Event', async () => {
      const { items } = await cluster.admin.listAll<Resource & { reason: string }>(EVENTS, {
        namespace: west,
      });
      return items.some(({ reason }) => reason === 'GrantExhausted');
    });
    await cluster.admin.patch(
      ACCESS_GRANTS,
      { namespace: west, name: 'used' },
      { spec: { redemptionsAllowed: 3 } },
    );
    const raised = await grantWith('used', isReady);
    expect(conditions(raised).Exhausted).toMatch(/^False/);
  });

  it('is Expired after its window', async () => {
    await make('short', { expirationWindow: '1s' });
    const grant = await grantWith('short', ({ status }) => status?.status === 'Expired');
    expect(conditions(grant).Expired).toMatch(/^True Expired/);
    expect(conditions(grant).Ready).toMatch(/^False Expired/);
    expect(grant.status?.code).toBeDefined();
  });

  it('is Revoked by an annotation', async () => {
    await make('revoked');
    await grantWith('revoked', isReady);
    await cluster.admin.patch(
      ACCESS_GRANTS,
      { namespace: west, name: 'revoked' },
      {
        metadata: { annotations: { 'linkgrant.dev/revoked': new Date().toISOString() } },
      },
    );
    expect(
      conditions(await grantWith('revoked', ({ status }) => status?.status === 'Revoked')).Revoked,
    ).toMatch(/^True/);
  });

  it("starts its window when its site accepts links, and is refused at an edge site with Skupper's text", async () => {
    const edge = await cluster.namespace();
    await createGrant(cluster, edge, 'early');
    const early = await grantWith('early', ({ status }) => status?.status !== undefined, edge);
    expect(conditions(early).Resolved).toBe(
      `False Pending namespace "${edge}" has no site; create one with \`skupper site create NAME --enable-link-access -n ${edge}\`, or use the namespace of a site`,
    );
    expect(early.status?.url).toBe(`${SERVICE_ENDPOINT.url}/${early.metadata.uid}`);
    expect(early.status?.expirationTime).toBeUndefined();
    const recorded = new RecordedSite();
    recorded.find('Site').spec.edge = true;
    await putSite(cluster.admin, edge, recorded);
    const refused = await grantWith('early', ({ status }) => status?.status === 'Error', edge);
    expect(conditions(refused).Processed).toBe(
      'False Error Edge sites cannot accept incoming links from remote sites',
    );
    await cluster.admin.patch(SITES, { namespace: edge, name: 'west' }, { spec: { edge: null } });
    expect((await grantWith('early', isReady, edge)).status?.expirationTime).toBeDefined();
  });

  it('is a new grant after it is deleted and created again', async () => {
    await make('again');
    const first = await grantWith('again', isReady);
    await use(first, 0);
    await grantWith('again', ({ status }) => status?.redemptions === 1);
    await cluster.admin.delete(ACCESS_GRANTS, { namespace: west, name: 'again' });
    await make('again');
    const second = await grantWith('again', isReady);
    expect(second.status?.url).not.toBe(first.status?.url);
    expect(second.status?.code).not.toBe(first.status?.code);
    expect(second.status?.redemptions).toBeUndefined();
    expect(await running.controller.grants.locate(first.metadata.uid)).toBeUndefined();
  });
});

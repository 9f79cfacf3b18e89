import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../src/pki/authority.js';
import {
  ACCESS_GRANTS,
  EVENTS,
  REDEMPTIONS,
  ROUTER_ACCESSES,
  SECRETS,
  SITES,
} from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, Stored } from '../../src/platforms/kubernetes/api/resource.js';
import type {
  AccessGrantResource,
  AccessGrantSpec,
} from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import {
  REDEMPTION_ID,
  type RedemptionResource,
  slotName,
} from '../../src/platforms/kubernetes/store/redemption-resource.js';
import { linkgrant } from '../support/command-line.js';
import { expensiveGlobs } from '../support/expensive-globs.js';
import { forEachParallel } from '../support/parallel.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { RecordedSite } from '../support/sites/kubernetes-site.js';
import { openAcceptingNamespace } from './harness/accepting-namespace.js';
import { putSite } from './harness/cluster-sites.js';
import { deleteAll } from './harness/empty-cluster.js';
import { LINKGRANT } from './harness/linkgrant-account.js';
import { post } from './harness/post.js';
import { type Replica, startReplicas } from './harness/replicas.js';
import { dataOf } from './harness/resources.js';
import { createGrant, readyGrant, redemptionsOf, writeToken } from './harness/served.js';

type Grant = Stored<AccessGrantResource>;

const { cluster, account, workplace, ...accepting } = await openAcceptingNamespace();
// The owner of `east` is hostile, that of `west` is not.
const [west, east] = [accepting.west.namespace, await cluster.namespace()];
await putSite(cluster.admin, east);
const replicas = releaseAfterFile(
  await startReplicas(workplace, account.kubeconfig, 1, '--allow-redeem-by-key'),
);

const replica = () => replicas.all[0] as Replica;

let made = 0;
/** Asserts that `west` is still served: a new grant becomes Ready, and the CA of `west` signs its link. */
async function expectWestServed(at = replica()): Promise<void> {
  made += 1;
  const grant = await readyGrant(cluster, west, `undisturbed-${made}`);
  const { ca } = redeemedAnswer(await post(at.serving, grant, 'a-site', csrHeader()));
  expect(ca).toBe(new RecordedSite().pem('skupper-site-ca', 'tls.crt'));
  await retryUntil(
    'the count',
    async () => (await read(west, grant.metadata.name)).status?.redemptions === 1,
  );
  expect(at.serving.said.stderr).not.toMatch(/"level":"(error|fatal)"/);
}

function read(namespace: string, name: string): Promise<Grant> {
  return cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
}

const make = (name: string, spec?: AccessGrantSpec) => createGrant(cluster, east, name, spec);

/** Waits until `satisfies` accepts the status and the message of a grant in `east`. Returns both as one text. */
function said(name: string, satisfies = (status: string) => status !== ''): Promise<string> {
  return retryUntil(`the status of ${name}`, async () => {
    const { status } = await read(east, name);
    const text = `${status?.status ?? ''} ${status?.message ?? ''}`.trim();
    return satisfies(text) && text;
  });
}

async function forge(name: string, original: RedemptionResource, changes: object = {}): Promise<void> {
  const { metadata, ...rest } = original;
  await cluster.admin.create(REDEMPTIONS, {
    ...rest,
    metadata: { name, namespace: east, labels: metadata.labels },
    spec: { ...original.spec, ...changes },
  } as Resource);
}

describe('objects of a hostile namespace owner', () => {
  it('cannot fill or revoke slots of another grant with Redemptions of its uid', async () => {
    const grant = await readyGrant(cluster, west, 'coveted', { redemptionsAllowed: 3 });
    const { uid } = grant.metadata;
    const directory = workplace.path('links');
    const data = ['--data-dir', workplace.path('data')];
    const route = ['--connect-to', `grants.example.com:9090:127.0.0.1:${replica().serving.port}`];
    const redeemed = await linkgrant([
      ...['token', 'redeem', writeToken(workplace, grant), '--to', directory],
      ...['--name', 'to-west', '--renew', ...data, ...route],
    ]);
    expect(redeemed, redeemed.stderr).toMatchObject({ code: 0 });
    const first = await cluster.admin.get<RedemptionResource>(REDEMPTIONS, {
      namespace: west,
      name: slotName(uid, 0),
    });
    // Forge the Redemption of the link as revoked in another namespace, and Redemptions in the following slots.
    await forge(slotName(uid, 0), first, { revoked: true });
    await forge(slotName(uid, 1), first, { slot: 1 });
    await forge(slotName(uid, 2), first, { slot: 2, id: crypto.randomUUID() });
    await forge(slotName(uid, 9_999_999), first, { slot: 9_999_999 });
    await forge('no-slot', first);
    await cluster.admin.delete(REDEMPTIONS, { namespace: east, name: slotName(uid, 1) });

    const renewed = await linkgrant(['link', 'renew', 'to-west', '--dir', directory, ...data, ...route]);
    expect(renewed, renewed.stderr).toMatchObject({ code: 0 });
    for (const subject of ['second', 'third']) {
      expect((await post(replica().serving, grant, subject, csrHeader())).status).toBe(200);
    }
    expect((await post(replica().serving, grant, 'fourth', csrHeader())).status).toBe(404);
    await retryUntil('the count', async () => (await read(west, 'coveted')).status?.redemptions === 3);
    const redemptions = await redemptionsOf(cluster, grant.metadata);
    expect(redemptions.map(({ spec }) => [spec.slot, spec.revoked])).toEqual(
      [0, 1, 2].map((slot) => [slot, false]),
    );
    const ofEast = { namespace: east, labelSelector: `${REDEMPTION_ID}=${first.spec.id}` };
    const forged = await cluster.admin.listAll<RedemptionResource>(REDEMPTIONS, ofEast);
    expect(forged.items.every(({ status }) => status === undefined)).toBe(true);
    await expectWestServed();
  });

  it('cannot redeem a grant of another namespace by its key, code or address', async () => {
    const grant = await readyGrant(cluster, west, 'keyed');
    const own = await readyGrant(cluster, east, 'keyed');
    const at = replica().serving;
    const redeem = (path: string, code = own.status?.code) =>
      post(at, { metadata: { ...own.metadata, uid: path }, status: { code: code ?? '' } } as Grant);
    expect((await redeem(grant.metadata.uid)).status).toBe(403);
    expect((await redeem(`${west}/keyed`)).status).toBe(404);
    expect((await redeem(`${east}/../${west}/keyed`)).status).toBe(404);
    expect((await redeem(`${east}%2f..%2f${west}/keyed`)).status).toBe(404);
    expect((await redeem(own.metadata.uid, grant.status?.code)).status).toBe(403);
    expect((await redeem(`${east}/keyed`)).status).toBe(200);
    expect((await post(at, grant)).status).toBe(200);
  });

  it('cannot use the CA of another namespace, by any name', async () => {
    const names = [
      `${west}/skupper-site-ca`,
      `../${west}/skupper-site-ca`,
      `../../${LINKGRANT}/secrets/linkgrant-server-ca`,
      `skupper-site-ca?namespace=${west}`,
      '..',
      'linkgrant-server-ca',
      'linkgrant-server',
      'x'.repeat(254),
    ];
    for (const [index, issuer] of names.entries()) {
      await make(`borrower-${index}`, { issuer });
      const word = await said(`borrower-${index}`, (text) => text.startsWith('Error'));
      expect(word).toMatch(/is not a name|may not read/);
      expect((await read(east, `borrower-${index}`)).status?.expirationTime).toBeUndefined();
    }
    const asked = replica()
      .proxy.requests.map(({ path }) => path)
      .filter((path) => path.includes('/secrets/'));
    // In its own namespace the service reads its own Secrets, in others only Secrets with these names.
    const known = new RegExp(
      `/namespaces/(${LINKGRANT}/secrets/linkgrant-[^/]+|[^/]+/secrets/(skupper-site-(ca|server)|linkgrant-server(-ca)?))$`,
    );
    expect(asked.filter((path) => !known.test(path))).toEqual([]);
    await expectWestServed();
  });

  it('cannot delay the Events of another namespace with many grants that never become ready', async () => {
    const count = 200;
    // A namespace without a site: each of its grants gets a warning.
    const flooded = await cluster.namespace();
    const eventsIn = async (namespace: string, reason: string) =>
      (await cluster.admin.listAll<Resource & { reason: string }>(EVENTS, { namespace })).items.filter(
        (event) => event.reason === reason,
      );
    // Several at once: within a minute the service writes all their Events.
    await forEachParallel(Array.from({ length: count }), 10, async (_, index) => {
      await createGrant(cluster, flooded, `never-${index}`, { redemptionsAllowed: 1 });
    });
    await retryUntil('the first warning', async () => (await eventsIn(flooded, 'GrantNotReady')).length > 0);
    const earlier = (await eventsIn(west, 'Redeemed')).length;
    const grant = await readyGrant(cluster, west, 'beside-never-ready');
    expect((await post(replica().serving, grant)).status).toBe(200);
    await retryUntil('the Event', async () => (await eventsIn(west, 'Redeemed')).length > earlier);
    expect((await eventsIn(flooded, 'GrantNotReady')).length).toBeLessThan(count);
    await deleteAll(cluster.admin, ACCESS_GRANTS, flooded);
  });

  it('cannot stop the service with unexpected settings, names and numbers', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`linkgrant/${'x'.repeat(50)}${index}`, 'y']),
    );
    const specs: readonly [string, AccessGrantSpec][] = [
      [`${'n'.repeat(199)}.${'n'.repeat(53)}`, {}],
      ['globs', { settings: { 'linkgrant/subjects': `${'*a'.repeat(5_000)}b` } }],
      ['stars', { settings: { 'linkgrant/subjects': '*'.repeat(253) } }],
      ['many-settings', { settings: many }],
      ['proto', JSON.parse('{"settings":{"__proto__":"x","constructor":"y","linkgrant/names":"__proto__"}}')],
      ['huge-window', { expirationWindow: '106751 days' }],
      ['far-window', { expirationWindow: '2562047h47m16.854775807s' }],
      ['negative', { expirationWindow: '-1h', redemptionsAllowed: -5 }],
      ['endless', { redemptionsAllowed: 9_223_372_036_854_775_000 }],
      ['huge-code', { code: 'c'.repeat(700_000) }],
      ['odd-code', { code: 'a code\r\nwith: lines\u0000 and more' }],
      ['cidrs', { settings: { 'linkgrant/source-cidrs': '0.0.0.0/99,::/0,1.2.3.4/-1' } }],
      ['lifetime', { settings: { 'linkgrant/certificate-lifetime': '999999999w' } }],
    ];
    for (const [name, spec] of specs) await make(name, spec);
    for (const [name] of specs) expect(await said(name)).toMatch(/^(Ready|Error|Expired|Exhausted)/);
    const [longest] = specs[0] as [string, AccessGrantSpec];
    expect((await post(replica().serving, await read(east, longest))).status).toBe(200);
    await retryUntil('its Event', async () => {
      const { items } = await cluster.admin.listAll<Resource & { reason: string }>(EVENTS, {
        namespace: east,
      });
      return items.some(({ reason, metadata }) => reason === 'Redeemed' && metadata.name.startsWith('nnn'));
    });
    await expectWestServed();
  });

  it('cannot slow redemptions of others by rules with globs that take long to match', async () => {
    const settings = (globs: readonly string[]) => ({ 'linkgrant/subjects': globs.join(',') });
    for (const [name, count] of [
      ['hundreds', 200],
      ['too-many', 10],
    ] as const) {
      await make(name, { settings: settings(expensiveGlobs(count)) });
      expect(await said(name)).toMatch(/^Error linkgrant\/subjects has globs that take too long to match/);
    }
    const grant = await readyGrant(cluster, east, 'as-many-as-permitted', {
      settings: settings(expensiveGlobs(9)),
    });
    const subject = 'a'.repeat(253);
    expect((await post(replica().serving, grant, subject)).status).toBe(403);
    // The owner changes the rules after the code was issued.
    await cluster.admin.patch(ACCESS_GRANTS, grant.metadata, {
      spec: { settings: settings(expensiveGlobs(200)) },
    });
    expect((await post(replica().serving, grant, subject)).status).toBe(503);
    expect(await said('as-many-as-permitted', (text) => text.startsWith('Error'))).toContain('globs');
    await expectWestServed();
  });

  it('cannot stop the service with an unexpected status', async () => {
    await make('restated');
    const grant = await said('restated', (text) => text.startsWith('Ready'));
    expect(grant).toBe('Ready OK');
    const stated = (status: object) =>
      cluster.admin.patch(
        ACCESS_GRANTS,
        { namespace: east, name: 'restated' },
        { status },
        { subresource: 'status' },
      );
    await stated({ expirationTime: 'never', redemptions: -7, conditions: [] });
    await stated({ expirationTime: '275760-09-13T00:00:00Z', code: 'x', ca: 'y'.repeat(500_000) });
    await retryUntil('the CA to be restored', async () => {
      const { status } = await read(east, 'restated');
      return status?.ca?.includes('BEGIN CERTIFICATE') && status.status === 'Ready';
    });
    await expectWestServed();
  });

  it('cannot replace a CA of others with Secrets that look like it, or stop the service with them', async () => {
    const recorded = new RecordedSite();
    const now = Date.now();
    const day = 86_400_000;
    const other = await createAuthority({
      commonName: 'skupper-site-ca',
      keyType: 'p256',
      lifetimeMs: day,
      now,
    });
    const westCa = recorded.pem('skupper-site-ca', 'tls.crt');
    const forged: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'no certificate': { 'tls.crt': 'nothing', 'tls.key': 'nothing', 'ca.crt': '' },
      'the certificate of west with another key': {
        'tls.crt': westCa,
        'tls.key': other.key,
        'ca.crt': westCa,
      },
      'a CA that the router does not trust': {
        'tls.crt': other.certificate,
        'tls.key': other.key,
        'ca.crt': westCa,
      },
      'thousands of certificates': { 'tls.crt': westCa.repeat(500), 'tls.key': other.key, 'ca.crt': '' },
      'a PEM block without an end': {
        'tls.crt': westCa.slice(0, 200),
        'tls.key': '-----BEGIN '.repeat(20_000),
        'ca.crt': '',
      },
      'nothing at all': {},
    };
    await make('of-forgeries', { redemptionsAllowed: 99, issuer: 'skupper-site-ca' });
    const before = await retryUntil('readiness', async () => {
      const grant = await read(east, 'of-forgeries');
      return grant.status?.status === 'Ready' && grant;
    });
    for (const name of ['linkgrant-server-ca', 'linkgrant-server']) await secret(name, {});
    for (const [what, data] of Object.entries(forged)) {
      await secret('skupper-site-ca', data);
      const { status } = await post(replica().serving, before, 'a-site', csrHeader());
      expect(`${what}: ${status}`).toBe(`${what}: 503`);
      await expectWestServed();
    }
    const { redemptions } = (await read(east, 'of-forgeries')).status ?? {};
    expect(redemptions ?? 0).toBe(0);
  });

  it('cannot stop the service with Sites and RouterAccesses that point anywhere', async () => {
    const endpoints = Array.from({ length: 4_000 }, (_, index) => ({
      name: 'inter-router',
      host: `${index}.example.com`,
      port: String(index),
      group: `g-${index}`,
    }));
    const odd = [
      { name: 'inter-router', host: 'a\r\nb', port: '-1', group: '__proto__' },
      { name: 'edge' },
      {},
    ];
    for (const [index, list] of [endpoints, odd].entries()) {
      for (const kind of [SITES, ROUTER_ACCESSES]) {
        const metadata = { name: `odd-${index}`, namespace: east };
        const spec = {
          defaultIssuer: '../x',
          tlsCredentials: `../../${LINKGRANT}/secrets/linkgrant-server`,
          roles: [],
        };
        const made = await cluster.admin.create(kind, {
          apiVersion: 'skupper.io/v2alpha1',
          kind: kind.kind,
          metadata,
          spec,
        } as Resource);
        const conditions = [
          {
            type: 'Ready',
            status: 'True',
            reason: 'Ready',
            message: '',
            lastTransitionTime: new Date().toISOString(),
          },
        ];
        const status = { endpoints: list, conditions };
        await cluster.admin.patch(kind, made.metadata, { status }, { subresource: 'status' });
      }
    }
    await make('of-odd-sites');
    expect(await said('of-odd-sites')).toMatch(/^(Error|Pending)/);
    await expectWestServed();
  });

  it('do not prevent the start of a service, or keep it busy', async () => {
    const later = releaseAfterTest(await startReplicas(workplace, account.kubeconfig, 1));
    await replica().serving.stop();
    const [fresh] = later.all as [Replica];
    await expectWestServed(fresh);
    const isOfEast = (path: string) => path.includes(`/namespaces/${east}/accessgrants`);
    const since = fresh.proxy.requests.length;
    for (let turn = 0; turn < 3; turn += 1) await expectWestServed(fresh);
    const writes = fresh.proxy.requests
      .slice(since)
      .filter(({ method, path }) => method !== 'GET' && isOfEast(path));
    expect(writes).toEqual([]);
  });
});

/** Replaces a Secret of `east`. */
async function secret(name: string, data: Readonly<Record<string, string>>): Promise<void> {
  await cluster.admin.delete(SECRETS, { namespace: east, name });
  const metadata = { name, namespace: east };
  await cluster.admin.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata,
    data: dataOf(data),
  } as Resource);
}

import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CertificateAuthority } from '../../src/pki/authority.js';
import { privateKeyPem } from '../../src/pki/keys.js';
import {
  ACCESS_GRANTS,
  SECRETS,
  SECURED_ACCESSES,
  SERVICES,
  SITES,
} from '../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, Stored } from '../../src/platforms/kubernetes/api/resource.js';
import type { AccessGrantResource } from '../../src/platforms/kubernetes/grants/access-grant-resource.js';
import { type Serving, Workplace } from '../support/command-line.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { retryUntil } from '../support/retry-until.js';
import { makeAuthority, makeIdentity, type TestIdentity } from '../support/server-identity.js';
import { RecordedSite, routerSecret } from '../support/sites/kubernetes-site.js';
import { putSite } from './harness/cluster-sites.js';
import { LINKGRANT, linkgrantAccount } from './harness/linkgrant-account.js';
import { post } from './harness/post.js';
import { dataOf } from './harness/resources.js';
import { createGrant, readyGrant, serveCluster } from './harness/served.js';
import { openTestCluster } from './harness/test-cluster.js';

type Grant = Stored<AccessGrantResource>;

let workplace: Workplace;
let west: string;

const cluster = releaseAfterFile(await openTestCluster());
const account = await linkgrantAccount(cluster);
beforeEach(async () => {
  workplace = releaseAfterTest(new Workplace());
  west = await cluster.namespace();
});

const serve = (...words: readonly string[]) => serveCluster(workplace, account.kubeconfig, ...words);

/**
 * Waits until `satisfies` accepts the status of a grant, and returns the grant. The service reads its address and certificate
 * every 10 s, and at once on SIGHUP.
 */
function grantWith(
  serving: Serving,
  name: string,
  satisfies: (status: NonNullable<Grant['status']>) => boolean,
): Promise<Grant> {
  return retryUntil(`the status of ${name}`, async () => {
    serving.signal('SIGHUP');
    const grant = await cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace: west, name });
    return grant.status !== undefined && satisfies(grant.status) && grant;
  });
}

/** Waits until a service has logged this text. */
function logs({ said }: Serving, text: string): Promise<boolean> {
  return retryUntil(`the log to contain ${text}`, async () => said.stderr.includes(text));
}

/** The certificate that a service presents. */
function certificateOf({ port }: Serving): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

describe('the published address of the service', () => {
  it('is the address of its load balancer: no grant is Ready without an address, and a changed address is written to all grants', async () => {
    await putSite(cluster.admin, west);
    const metadata = { namespace: LINKGRANT, name: 'balanced' };
    const service = { apiVersion: 'v1', kind: 'Service', metadata };
    const spec = { type: 'LoadBalancer', ports: [{ name: 'https', port: 9443, targetPort: 9090 }] };
    await cluster.admin.create(SERVICES, { ...service, spec } as Resource);
    const balance = (ingress: object) => {
      const status = { loadBalancer: { ingress: [ingress] } };
      return cluster.admin.patch(SERVICES, metadata, { status }, { subresource: 'status' });
    };
    const serving = await serve('--service', 'balanced');
    await createGrant(cluster, west, 'waiting');
    const waiting = await grantWith(serving, 'waiting', ({ status }) => status === 'Pending');
    expect(waiting.status?.expirationTime).toBeUndefined();
    await logs(serving, 'the service has no address: new grants do not become Ready');

    await balance({ ip: '192.0.2.7' });
    const first = await grantWith(serving, 'waiting', ({ status }) => status === 'Ready');
    const { uid } = first.metadata;
    expect(first.status?.url).toBe(`https://192.0.2.7:9443/${uid}`);
    await retryUntil(
      'its certificate',
      async () => (await certificateOf(serving)).checkIP('192.0.2.7') !== undefined,
    );

    await balance({ hostname: 'grants.example.net' });
    const moved = await grantWith(serving, 'waiting', ({ url }) => url?.includes('example.net') === true);
    expect(moved.status?.url).toBe(`https://grants.example.net:9443/${uid}`);
    expect(moved.status?.ca).toBe(first.status?.ca);
    expect(moved.status?.expirationTime).toBe(first.status?.expirationTime);
    await retryUntil(
      'its certificate',
      async () => (await certificateOf(serving)).checkHost('grants.example.net') !== undefined,
    );
    expect((await post(serving, moved)).status).toBe(200);

    // A recreated load balancer has no address for a while. The published address stays.
    await cluster.admin.patch(
      SERVICES,
      metadata,
      { status: { loadBalancer: null } },
      { subresource: 'status' },
    );
    await createGrant(cluster, west, 'meanwhile');
    const meanwhile = await grantWith(serving, 'meanwhile', ({ status }) => status === 'Ready');
    expect(meanwhile.status?.url).toContain('https://grants.example.net:9443/');
  });

  it('is the endpoint of a SecuredAccess, which the service creates with a selector for its pods', async () => {
    await putSite(cluster.admin, west);
    const serving = await serve('--secured-access');
    expect(serving.said.stdout.split('\n').slice(0, -1)).toEqual([
      expect.stringMatching(/^Serving on port \d+, health and metrics on port \d+$/),
      `No address yet: the SecuredAccess "${LINKGRANT}/linkgrant-grants" has no endpoint yet; check its conditions, or set --external-url`,
      expect.stringMatching(/^CA SHA-256 fingerprint /),
      'Next: create an AccessGrant; the AccessGrants in every namespace become Ready once the service has an address',
    ]);
    await createGrant(cluster, west, 'secured');
    await grantWith(serving, 'secured', ({ status }) => status === 'Pending');
    const key = { namespace: LINKGRANT, name: 'linkgrant-grants' };
    const made = (await cluster.admin.get(SECURED_ACCESSES, key)) as Stored<Resource> & {
      readonly spec: object;
    };
    expect(made.spec).toMatchObject({
      selector: { 'app.kubernetes.io/name': 'linkgrant', 'app.kubernetes.io/component': 'redemption' },
      ports: [{ name: 'https', port: serving.port, targetPort: serving.port }],
    });
    const status = { endpoints: [{ name: 'https', host: '2001:db8::7', port: '443' }] };
    await cluster.admin.patch(SECURED_ACCESSES, key, { status }, { subresource: 'status' });
    const ready = await grantWith(serving, 'secured', (found) => found.status === 'Ready');
    expect(ready.status?.url).toBe(`https://[2001:db8::7]/${ready.metadata.uid}`);
    await logs(serving, '"url":"https://[2001:db8::7]"');
  });

  it('is unknown while a SecuredAccess has no endpoint, and a Ready grant stays Ready with its URL', async () => {
    await putSite(cluster.admin, west);
    const before = await serve();
    const ready = await readyGrant(cluster, west, 'ready');
    expect(await before.stop()).toMatchObject({ code: 0 });
    const key = { namespace: LINKGRANT, name: 'linkgrant-grants' };
    await cluster.admin.delete(SECURED_ACCESSES, key);
    const serving = await serve('--secured-access');
    await createGrant(cluster, west, 'new');
    await grantWith(serving, 'new', ({ status }) => status === 'Pending');
    const still = await grantWith(serving, 'ready', ({ status }) => status === 'Ready');
    expect(still.status?.url).toBe(ready.status?.url);
    await logs(serving, 'the URL of Ready grants does not change');
  });
});

describe('--tls-secret', () => {
  const key = { namespace: LINKGRANT, name: 'of-cert-manager' };
  const dataOfIdentity = ({ cert, key: privateKey, ca }: TestIdentity) =>
    dataOf({ 'tls.crt': cert, 'tls.key': privateKey, 'ca.crt': ca });

  it('applies a changed Secret, with its CA in every grant, and ignores an invalid one', async () => {
    await putSite(cluster.admin, west);
    const [first, second] = [await makeIdentity(), await makeIdentity()];
    const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: key };
    await cluster.admin.create(SECRETS, { ...secret, data: dataOfIdentity(first) } as Resource);
    // The shipped role names only linkgrant's own Secrets.
    const rights = { apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: [key.name] };
    await cluster.allow({ namespace: LINKGRANT, name: LINKGRANT }, [rights]);
    const serving = await serve('--tls-secret', key.name);
    const grant = await readyGrant(cluster, west, 'shown', { redemptionsAllowed: 9 });
    expect(grant.status?.ca).toBe(first.ca);
    expect((await certificateOf(serving)).toString()).toBe(new X509Certificate(first.cert).toString());

    const put = (data: object) => cluster.admin.patch(SECRETS, key, { data });
    await put(dataOfIdentity({ ...second, key: first.key }));
    await retryUntil('the refusal', async () => {
      serving.signal('SIGHUP');
      return serving.said.stderr.includes('certificate_kept');
    });
    expect((await certificateOf(serving)).toString()).toBe(new X509Certificate(first.cert).toString());
    expect((await post(serving, grant)).status).toBe(200);

    await put(dataOfIdentity(second));
    const renewed = await grantWith(serving, 'shown', ({ ca }) => ca === second.ca);
    expect((await certificateOf(serving)).toString()).toBe(new X509Certificate(second.cert).toString());
    expect((await post(serving, renewed, 'another')).status).toBe(200);
  });
});

describe('a service of one namespace', () => {
  it('does not write to grants of other namespaces, and does not redeem them', async () => {
    const east = await cluster.namespace();
    await putSite(cluster.admin, west);
    await putSite(cluster.admin, east);
    const everywhere = await serve();
    const elsewhere = await readyGrant(cluster, east, 'elsewhere', { redemptionsAllowed: 9 });
    expect(await everywhere.stop()).toMatchObject({ code: 0 });
    const serving = await serve('--namespace', west);
    await createGrant(cluster, east, 'untouched');
    const grant = await readyGrant(cluster, west, 'here');
    expect((await post(serving, grant)).status).toBe(200);
    expect((await post(serving, elsewhere)).status).toBe(404);
    const untouched = await cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, {
      namespace: east,
      name: 'untouched',
    });
    expect(untouched.status).toBeUndefined();
  });
});

describe('the CA that signs', () => {
  const pemOf = (authority: CertificateAuthority) => ({
    'tls.crt': authority.bundlePem,
    'tls.key': privateKeyPem(authority.privateKey),
  });
  const issuedBy = async (serving: Serving, grant: Grant, subject: string) => {
    const { x509, ca } = redeemedAnswer(await post(serving, grant, subject, csrHeader()));
    return { issuer: x509.issuer, ca };
  };
  const hosts = () =>
    new RecordedSite().find('Site').status.endpoints.map(({ host }: { host: string }) => host);
  const put = (name: string, data: Readonly<Record<string, string>>) =>
    cluster.admin.patch(SECRETS, { namespace: west, name }, { data: dataOf(data) });
  /** Changes the Site. For the status of grants, Secrets are read only every 30 s and after a change of the site. */
  const touch = () =>
    cluster.admin.patch(
      SITES,
      { namespace: west, name: 'west' },
      { metadata: { annotations: { touched: `${Date.now()}` } } },
    );

  it('is the issuer of the grant, if the role permits to read it and the router trusts it', async () => {
    const branch = await makeAuthority('branch CA');
    const recorded = new RecordedSite();
    const trusted = recorded.pem('skupper-site-server', 'ca.crt') + branch.bundlePem;
    recorded.setPem('skupper-site-server', { 'ca.crt': trusted });
    await putSite(cluster.admin, west, recorded);
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace: west, name: 'branch-ca' } };
    await cluster.admin.create(SECRETS, {
      ...secret,
      type: 'kubernetes.io/tls',
      data: dataOf(pemOf(branch)),
    } as Resource);
    const serving = await serve();
    await createGrant(cluster, west, 'for-the-branch', { issuer: 'branch-ca' });
    const refused = await grantWith(serving, 'for-the-branch', ({ status }) => status === 'Error');
    expect(refused.status?.message).toContain('linkgrant may not read the Secret "branch-ca"');

    // As documented: the name is added to the role.
    await cluster.allow({ namespace: LINKGRANT, name: LINKGRANT }, [
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['branch-ca'], verbs: ['get'] },
    ]);
    await retryUntil('the permission to read the CA', async () => {
      await touch();
      const grant = await cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, {
        namespace: west,
        name: 'for-the-branch',
      });
      return grant.status?.status === 'Ready';
    });
    const grant = await grantWith(serving, 'for-the-branch', ({ status }) => status === 'Ready');
    const { issuer, ca } = await issuedBy(serving, grant, 'a-branch');
    expect(issuer).toBe('CN=branch CA');
    expect(ca).toContain(branch.bundlePem);
    expect((await issuedBy(serving, await readyGrant(cluster, west, 'for-others'), 'other')).issuer).not.toBe(
      'CN=branch CA',
    );
  });

  it('can be replaced while the service runs: no use is lost, and the new CA signs once the router trusts it', async () => {
    await putSite(cluster.admin, west);
    const serving = await serve();
    const grant = await readyGrant(cluster, west, 'rotated', { redemptionsAllowed: 3 });
    const before = await issuedBy(serving, grant, 'before');
    const next = await makeAuthority('next CA');
    await put('skupper-site-ca', pemOf(next));
    // The router does not trust it yet.
    const refused = await post(serving, grant, 'between', csrHeader());
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    });
    await touch();
    const untrusted = await grantWith(serving, 'rotated', ({ status }) => status === 'Error');
    expect(untrusted.status?.message).toContain('does not trust');

    const both = before.ca + next.bundlePem;
    await put('skupper-site-server', await routerSecret(next, hosts(), both, Date.now()));
    const after = await issuedBy(serving, grant, 'after');
    expect(after.issuer).toBe('CN=next CA');
    expect(after.ca).toContain(next.bundlePem);
    await touch();
    const ready = await grantWith(
      serving,
      'rotated',
      ({ status, redemptions }) => status === 'Ready' && redemptions === 2,
    );
    expect(ready.status?.expirationTime).toBe(grant.status?.expirationTime);
  });
});

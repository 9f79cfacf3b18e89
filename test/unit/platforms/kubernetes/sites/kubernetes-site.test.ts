import { beforeEach, describe, expect, it } from 'vitest';
import type { GrantPolicy } from '../../../../../src/domain/policy.js';
import { RedemptionError } from '../../../../../src/domain/redemption-error.js';
import { loadAuthority } from '../../../../../src/pki/authority.js';
import { describeCertificate, splitCertificates } from '../../../../../src/pki/certificate-info.js';
import { crossCertificate } from '../../../../../src/pki/certificates.js';
import { ApiError } from '../../../../../src/platforms/kubernetes/api/api-error.js';
import { SiteAccessCache } from '../../../../../src/platforms/kubernetes/sites/site-access-cache.js';
import {
  makeSiteAuthority,
  RecordedSite,
  routerSecret,
  SITE_TIME,
} from '../../../../support/sites/kubernetes-site.js';
import { siteAt } from './recorded-kubernetes-site.js';

let recorded: RecordedSite;
let refusedReads: Map<string, ApiError>;
beforeEach(() => {
  recorded = new RecordedSite();
  refusedReads = new Map();
});

function resolveAccess({
  namespace = 'west',
  issuer = null as string | null,
  now = SITE_TIME,
  policy = {} as GrantPolicy,
} = {}) {
  return siteAt(recorded, () => now, refusedReads).resolveAccess({
    namespace,
    name: 'a-grant',
    issuer,
    policy,
  });
}

async function access(request: Parameters<typeof resolveAccess>[0] = {}) {
  const found = await resolveAccess(request);
  if ('refused' in found) throw new Error(found.reason);
  return found;
}

async function refusal(request: Parameters<typeof resolveAccess>[0] = {}) {
  const found = await resolveAccess(request);
  if (!('refused' in found)) throw new Error('access was not refused');
  return found;
}

const subjects = (pem: string) => splitCertificates(pem).map((one) => describeCertificate(one).subject);

describe('a site on Kubernetes', () => {
  it('returns the endpoints of its Site, its uid, its default issuer, and the CAs that links must trust', async () => {
    const { siteUid, endpoints, issuer, caCrt } = await access();
    expect(siteUid).toBe('52700eca-0624-4d69-8df6-4e09e0cbd74d');
    expect(endpoints).toEqual([
      { name: 'inter-router', host: '127.0.0.1', port: '55671', group: 'skupper-router' },
      { name: 'edge', host: '127.0.0.1', port: '45671', group: 'skupper-router' },
    ]);
    expect(issuer.description).toBe('west site CA');
    expect(subjects(caCrt)).toEqual(['west site CA']);
  });

  it('returns the groups of an HA pair in order, without endpoints that links cannot use', async () => {
    const first = recorded.find('Site').status.endpoints;
    const second = first.map((endpoint: object) => ({ ...endpoint, group: 'skupper-router-2' }));
    const endpoints = [...second, { name: 'metrics', host: 'x', port: 'y' }, ...first];
    recorded.find('Site').status.endpoints = endpoints;
    recorded.find('RouterAccess').status.endpoints = endpoints;
    const groups = (await access()).endpoints.map(({ group, name }) => `${group} ${name}`);
    expect(groups).toEqual([
      'skupper-router inter-router',
      'skupper-router edge',
      'skupper-router-2 inter-router',
      'skupper-router-2 edge',
    ]);
  });

  it('returns the endpoints for another network only for a grant with that role, and checks their router only then', async () => {
    const between = { group: 'skupper-router', host: '127.0.0.1', name: 'inter-network', port: '35671' };
    recorded.find('Site').status.endpoints.push(between);
    const spec = { roles: [{ name: 'inter-network' }], tlsCredentials: 'between', routingKeys: ['orders'] };
    recorded.add('RouterAccess', 'between', { spec, status: { endpoints: [between] } });
    const policy = { endpointRoles: ['inter-network'] } as const;
    expect((await access()).endpoints.map(({ name }) => name)).toEqual(['inter-router', 'edge']);
    expect((await refusal({ policy })).reason).toContain('there is no Secret "between"');
    recorded.add('Secret', 'between', { data: recorded.find('Secret', 'skupper-site-server').data });
    expect((await access({ policy })).endpoints).toEqual([between]);
  });

  it('grants access to a grant without roles although another grant of the same issuer allows no role', async () => {
    const cache = new SiteAccessCache(
      siteAt(recorded, () => SITE_TIME, refusedReads),
      () => {},
    );
    const accessOf = (name: string, policy: GrantPolicy) =>
      cache.accessOf({ namespace: 'west', name, issuer: null, policy });
    expect(await accessOf('closed', { endpointRoles: [] })).toHaveProperty('refused');
    expect(await accessOf('open', {})).not.toHaveProperty('refused');
  });

  it('refuses a grant with a role that its site does not have, and names the roles that it has', async () => {
    const { refused, reason } = await refusal({ policy: { endpointRoles: ['inter-network'] } });
    expect(refused).toBe('link_access_unavailable');
    expect(reason).toContain('inter-network');
    expect(reason).toContain('inter-router,edge');
  });

  it('reads the CA and the certificate of its router from Secrets of type Opaque too', async () => {
    const before = await access();
    for (const secret of recorded.all('Secret')) Object.assign(secret, { type: 'Opaque' });
    expect((await access()).caCrt).toBe(before.caCrt);
  });

  it('signs with the issuer of the grant, else of the status, else of the spec, else skupper-site-ca', async () => {
    const otherCa = await makeSiteAuthority('another CA');
    recorded.add('Secret', 'another-ca', { data: {} });
    recorded.setPem('another-ca', { 'tls.crt': otherCa.certificate, 'tls.key': otherCa.key });
    const trusted = recorded.pem('skupper-site-ca', 'tls.crt') + otherCa.certificate;
    recorded.setPem('skupper-site-server', { 'ca.crt': trusted });
    const site = recorded.find('Site');
    const signs = async (issuer: string | null = null) => (await access({ issuer })).issuer.description;

    expect(await signs('another-ca')).toBe('another CA');
    site.status.defaultIssuer = 'another-ca';
    expect(await signs()).toBe('another CA');
    expect(await signs('skupper-site-ca')).toBe('west site CA');
    site.status.defaultIssuer = undefined;
    expect(await signs()).toBe('west site CA');
    site.spec.defaultIssuer = 'another-ca';
    expect(await signs()).toBe('another CA');
    expect(subjects((await access()).caCrt).sort()).toEqual(['another CA', 'west site CA']);
  });

  it.each([
    ['with capitals', 'Another_CA'],
    ['of 300,000 characters', 'a'.repeat(300_000)],
  ])(
    'refuses access if the default issuer of the Site has a name %s, and does not quote it',
    async (_which, name) => {
      recorded.find('Site').status.defaultIssuer = name;
      const { refused, reason } = await refusal();
      expect([refused, reason]).toEqual([
        'issuer_unavailable',
        'the defaultIssuer of the Site is not a valid issuer name',
      ]);
    },
  );

  it('reads the root of an intermediate from ca.crt, as cert-manager writes it', async () => {
    const root = await makeSiteAuthority('a root');
    const below = await makeSiteAuthority('an intermediate');
    const intermediate = (await crossCertificate(root.authority, below.authority, SITE_TIME)) ?? '';
    recorded.setPem('skupper-site-ca', { 'tls.crt': intermediate, 'tls.key': below.key, 'ca.crt': '' });
    expect((await refusal()).reason).toContain('is an intermediate of a root');
    recorded.setPem('skupper-site-ca', { 'ca.crt': root.certificate });
    const server = await routerSecret(root.authority, ['127.0.0.1'], root.certificate);
    recorded.setPem('skupper-site-server', server);
    const { issuer, caCrt } = await access();
    expect(issuer.description).toBe('an intermediate');
    expect(subjects(issuer.chainPem)).toEqual(['an intermediate']);
    expect(subjects(caCrt)).toContain('a root');
  });

  it('reads the Site of the namespace that is Ready, if there are several, and no Site of another namespace', async () => {
    const other = recorded.add('Site', 'a-first', { spec: { edge: true }, status: {} });
    expect((await access()).endpoints).toHaveLength(2);
    other.status = recorded.find('Site', 'west').status;
    recorded.find('Site', 'west').status = {};
    expect((await refusal()).refused).toBe('edge_site');
    expect((await refusal({ namespace: 'east' })).reason).toBe('namespace "east" has no site');
  });
});

describe('access to a site on Kubernetes', () => {
  it('is refused without a Site, without link access, and for an edge site', async () => {
    const site = recorded.find('Site');
    site.status.endpoints = [];
    expect(await refusal()).toMatchObject({ refused: 'link_access_unavailable' });
    site.status = {};
    expect((await refusal()).reason).toContain('accepts no links yet');
    site.status = { endpoints: [{ name: 'edge', host: 'a b', port: '1', group: '' }] };
    expect((await refusal()).reason).toContain('is neither a DNS name nor an address');
    site.spec.edge = true;
    expect(await refusal()).toMatchObject({ refused: 'edge_site', isRequestOnly: true });
    recorded.remove('Site', 'west');
    expect(await refusal()).toMatchObject({ refused: 'link_access_unavailable' });
  });

  it('is refused with an issuer that the router does not trust, so that no other CA of the namespace can be used', async () => {
    const { refused, reason } = await refusal({ issuer: 'skupper-local-ca' });
    expect(refused).toBe('issuer_untrusted');
    expect(reason).toContain('the router does not trust west local CA at "skupper-router"');
  });

  it('is refused with an issuer that is missing, forbidden, has an invalid name, or is not a CA', async () => {
    expect(await refusal({ issuer: 'nobody' })).toMatchObject({
      refused: 'issuer_unavailable',
      reason: 'there is no Secret "nobody" with the issuer',
    });
    expect((await refusal({ issuer: '../west/other' })).refused).toBe('issuer_unavailable');
    expect(await refusal({ issuer: 'skupper-site-server' })).toMatchObject({ refused: 'issuer_unavailable' });
    refusedReads.set('skupper-site-ca', new ApiError('get', { reason: 'forbidden', status: 403 }));
    expect(await refusal()).toMatchObject({
      refused: 'issuer_unavailable',
      reason: 'linkgrant may not read the Secret "skupper-site-ca" with the issuer',
    });
    refusedReads.clear();
    recorded.setPem('skupper-site-ca', { 'tls.key': recorded.pem('skupper-local-ca', 'tls.key') });
    expect((await refusal()).reason).toContain('the private key does not belong to the CA certificate');
    recorded.setPem('skupper-site-ca', { 'tls.crt': '', 'ca.crt': 'rubbish' });
    expect((await refusal()).refused).toBe('issuer_unavailable');
  });

  it('is refused when the issuer has expired', async () => {
    const { notAfter } = describeCertificate(recorded.pem('skupper-site-ca', 'tls.crt'));
    expect((await refusal({ now: notAfter + 1_000 })).reason).toContain('the CA certificate expired at');
  });

  it("is refused when the router's certificate cannot be read, does not verify, or does not contain the host", async () => {
    const siteCa = loadAuthority(
      {
        certificate: recorded.pem('skupper-site-ca', 'tls.crt'),
        key: recorded.pem('skupper-site-ca', 'tls.key'),
      },
      'the recorded CA',
      SITE_TIME,
    );
    const trusted = recorded.pem('skupper-site-server', 'ca.crt');
    recorded.setPem('skupper-site-server', await routerSecret(siteCa, ['elsewhere'], trusted));
    expect(await refusal()).toMatchObject({
      refused: 'link_access_unavailable',
      reason: 'the certificate of the router at "skupper-router" does not name "127.0.0.1" as a DNS name',
    });
    const { authority } = await makeSiteAuthority('x');
    recorded.setPem('skupper-site-server', await routerSecret(authority, ['127.0.0.1'], trusted));
    expect((await refusal()).reason).toContain(
      'the certificate of the router at "skupper-router" does not verify',
    );
    recorded.setPem('skupper-site-server', { 'tls.crt': 'rubbish' });
    expect((await refusal()).refused).toBe('issuer_untrusted');
    recorded.remove('Secret', 'skupper-site-server');
    expect(await refusal()).toMatchObject({
      refused: 'issuer_untrusted',
      reason: 'there is no Secret "skupper-site-server" with the router\'s server certificate',
    });
  });

  it('is refused for an endpoint without a RouterAccess', async () => {
    recorded.find('RouterAccess').status.endpoints.pop();
    expect((await refusal()).reason).toBe(
      'no RouterAccess of namespace "west" leads to the endpoint edge 127.0.0.1:45671 of its site',
    );
  });

  it('fails temporarily while the API server does not respond', async () => {
    refusedReads.set('skupper-site-ca', new ApiError('get', { reason: 'unavailable' }));
    const failure = await resolveAccess().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RedemptionError);
    expect(failure).toMatchObject({ code: 'store_unavailable' });
  });
});

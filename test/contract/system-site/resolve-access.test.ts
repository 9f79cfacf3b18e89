import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GrantPolicy } from '../../../src/domain/policy.js';
import { describeCertificate, splitCertificates } from '../../../src/pki/certificate-info.js';
import { detectHost } from '../../../src/platforms/system/routable-host.js';
import { SystemSite } from '../../../src/platforms/system/system-site.js';
import { directoryForTest } from '../../support/release.js';
import { makeSiteAuthority, SITE_TIME } from '../../support/sites/kubernetes-site.js';
import { copySite, type SystemSiteCopy } from '../../support/sites/system-site.js';

let home: string;
let west: SystemSiteCopy;
beforeEach(() => {
  home = directoryForTest();
  west = copySite('west', home);
  copySite('east', home);
});

interface AccessRequest {
  readonly namespace?: string;
  readonly hosts?: readonly string[];
  readonly issuer?: string;
  readonly only?: string;
  readonly now?: number;
  readonly policy?: GrantPolicy;
}

function resolveAccess({
  namespace = 'west',
  hosts = ['vm'],
  issuer,
  only,
  now = SITE_TIME,
  policy,
}: AccessRequest = {}) {
  const place = { skupperHome: home, hosts, namespace: only, platform: 'linux' };
  const site = new SystemSite(place, () => now);
  return site.resolveAccess({
    namespace,
    name: 'a-grant',
    issuer: issuer ?? null,
    ...(policy && { policy }),
  });
}

async function access(request: AccessRequest = {}) {
  const found = await resolveAccess(request);
  if ('refused' in found) throw new Error(found.reason);
  return found;
}

async function refusal(request: AccessRequest = {}) {
  const found = await resolveAccess(request);
  if (!('refused' in found)) throw new Error('access was not refused');
  return found;
}

const siteCa = () => west.read('runtime/issuers/skupper-site-ca/tls.crt');
const subjects = (pem: string) => splitCertificates(pem).map((one) => describeCertificate(one).subject);

describe('a site with a RouterAccess for other networks', () => {
  const file = resolve(import.meta.dirname, '../../fixtures/inter-network/RouterAccess-west.yaml');
  const roles = async (policy?: GrantPolicy) =>
    (await access(policy && { policy })).endpoints.map(({ name, port }) => `${name} ${port}`);
  let text: string;
  const writeRouterAccess = (changed: string) =>
    west.write('runtime/resources/RouterAccess-west.yaml', changed);
  beforeEach(() => {
    text = readFileSync(file, 'utf8');
    writeRouterAccess(text);
  });

  it('links sites of its own network by default, and another network if the grant names the role', async () => {
    expect(await roles()).toEqual(['inter-router 55671', 'edge 45671']);
    expect(await roles({ endpointRoles: ['inter-network'] })).toEqual(['inter-network 35671']);
    expect(await roles({ endpointRoles: ['edge', 'inter-network'] })).toEqual([
      'edge 45671',
      'inter-network 35671',
    ]);
  });

  it('refuses a grant whose roles it does not have, and names those that it has', async () => {
    const { refused, reason, hint } = await refusal({ policy: { endpointRoles: [] } });
    expect(refused).toBe('link_access_unavailable');
    expect(reason).toContain('inter-router,edge,inter-network');
    expect(hint).toContain('--endpoint-roles');
    writeRouterAccess(text.replace(/ {2}- name: (inter-router|edge)\n {4}port: \d+\n/g, ''));
    expect((await refusal()).reason).toContain('inter-router or edge');
    expect(await roles({ endpointRoles: ['inter-network'] })).toEqual(['inter-network 35671']);
  });

  it('links sites of its own network while the port for other networks is not allocated', async () => {
    writeRouterAccess(text.replace(/ {4}port: 35671\n/, ''));
    expect(await roles()).toEqual(['inter-router 55671', 'edge 45671']);
    const { reason } = await refusal({ policy: { endpointRoles: ['inter-network'] } });
    expect(reason).toContain('as the port of inter-network');
  });
});

describe('a site that accepts links', () => {
  it('returns the endpoints of its RouterAccess, its uid, the site CA and the CAs that its router trusts, each once', async () => {
    const { siteUid, endpoints, issuer, caCrt } = await access();
    expect(siteUid).toBe('95eccafb-5ebb-4026-930c-9975b4d1cc3c');
    expect(endpoints).toEqual([
      { name: 'inter-router', host: 'vm', port: '55671', group: 'west' },
      { name: 'edge', host: 'vm', port: '45671', group: 'west' },
    ]);
    expect(splitCertificates(issuer.bundlePem)).toEqual(splitCertificates(siteCa()));
    expect(splitCertificates(caCrt)).toEqual(splitCertificates(siteCa()));
  });

  it('returns a group for each RouterAccess, by name, and every CA that one of them needs', async () => {
    const other = await makeSiteAuthority('other router CA');
    west.writeResource('runtime', {
      kind: 'RouterAccess',
      name: 'another',
      spec: { roles: [{ name: 'edge', port: 5000 }], tlsCredentials: 'another-server' },
    });
    await west.addRouterCertificate('another-server', {
      authority: other.authority,
      hosts: ['another.example.com', 'vm'],
      trusted: siteCa() + other.certificate,
    });
    const { endpoints, caCrt } = await access();
    expect(endpoints.map(({ group, name, port }) => `${group} ${name} ${port}`)).toEqual([
      'another edge 5000',
      'west inter-router 55671',
      'west edge 45671',
    ]);
    expect(subjects(caCrt).sort()).toEqual([...subjects(siteCa()), ...subjects(other.certificate)].sort());
    const each = await access({ hosts: ['another.example.com', '192.0.2.2'] });
    expect(each.endpoints.map(({ group, host }) => `${group} ${host}`)).toEqual([
      'another another.example.com',
      'west 192.0.2.2',
      'west 192.0.2.2',
    ]);
  });

  it('returns the CA of 21 RouterAccesses once', async () => {
    const one = west.read('runtime/resources/RouterAccess-west.yaml');
    for (let n = 0; n < 20; n += 1) {
      west.write(`runtime/resources/RouterAccess-w${n}.yaml`, one.replace('name: west', `name: w${n}`));
    }
    const { endpoints, caCrt } = await access();
    expect(endpoints).toHaveLength(2 * 21);
    expect(subjects(caCrt)).toEqual(subjects(siteCa()));
  });

  it('is read from the home directory of a user too', async () => {
    const rootless = copySite('west', join(home, 'home', '.local', 'share', 'skupper'), 'mine');
    const place = { skupperHome: rootless.home, hosts: ['vm'], platform: 'linux' };
    const site = new SystemSite(place, () => SITE_TIME);
    expect(await site.resolveAccess({ namespace: 'mine', name: 'x', issuer: null })).toMatchObject({
      siteUid: expect.any(String),
    });
  });

  it('is read at each call, so that a recreated site returns its new CA', async () => {
    const place = { skupperHome: home, hosts: ['vm'], platform: 'linux' };
    const site = new SystemSite(place, () => SITE_TIME);
    const request = { namespace: 'west', name: 'x', issuer: null };
    expect(await site.resolveAccess(request)).toMatchObject({ issuer: { description: 'skupper-site-ca' } });
    const renewed = await makeSiteAuthority('renewed site CA');
    west.addIssuer('runtime', 'skupper-site-ca', renewed);
    // Between the two writes of a reload, the router still trusts only the old CA.
    expect(await site.resolveAccess(request)).toMatchObject({ refused: 'issuer_untrusted' });
    await west.addRouterCertificate('west', {
      authority: renewed.authority,
      hosts: ['vm'],
      trusted: renewed.certificate,
    });
    const found = await site.resolveAccess(request);
    if ('refused' in found) throw new Error(found.reason);
    expect(subjects(found.caCrt)).toEqual(['renewed site CA']);
  });

  it('ignores hidden files, invalid YAML, and files without a YAML extension', async () => {
    west.write('runtime/resources/RouterAccess-broken.yaml', 'kind: [RouterAccess');
    west.write(
      'runtime/resources/.RouterAccess-x.yaml',
      west.read('runtime/resources/RouterAccess-west.yaml').replace('name: west', 'name: hidden'),
    );
    west.write('runtime/resources/notes.txt', 'kind: Site');
    expect((await access()).endpoints.map(({ group }) => group)).toEqual(['west', 'west']);
  });
});

describe('the CA that signs', () => {
  const trustAlso = (pem: string) => west.write('runtime/certs/west/ca.crt', siteCa() + pem);

  it('is the issuer of the grant, if the router trusts it', async () => {
    const mine = await makeSiteAuthority('my CA');
    west.addIssuer('input', 'my-ca', mine);
    expect(await refusal({ issuer: 'my-ca' })).toMatchObject({
      refused: 'issuer_untrusted',
      reason: expect.stringContaining('the router does not trust my CA at "west"'),
      hint: expect.stringContaining('add this issuer to the CAs that the router trusts'),
    });
    trustAlso(mine.certificate);
    const { issuer, caCrt } = await access({ issuer: 'my-ca' });
    expect(issuer.description).toBe('my CA');
    expect(subjects(caCrt).sort()).toEqual([...subjects(siteCa()), 'my CA'].sort());
    expect((await access()).issuer.description).toBe(subjects(siteCa())[0]);
  });

  it('is the default issuer of the Site if the grant has none', async () => {
    const mine = await makeSiteAuthority('my CA');
    west.addIssuer('input', 'my-ca', mine);
    west.writeResource('runtime', { kind: 'Site', name: 'west', spec: { defaultIssuer: 'my-ca' } });
    expect(await refusal()).toMatchObject({ refused: 'issuer_untrusted' });
    trustAlso(mine.certificate);
    expect((await access()).issuer.description).toBe('my CA');
    expect((await access({ issuer: 'skupper-site-ca' })).issuer.description).toBe(subjects(siteCa())[0]);
  });

  it('is never a CA that is missing, has expired or does not match its key', async () => {
    expect(await refusal({ issuer: 'nobody' })).toMatchObject({
      refused: 'issuer_unavailable',
      reason: 'there is no issuer "nobody" in runtime/issuers or input/issuers',
    });
    const mine = await makeSiteAuthority('my CA');
    trustAlso(mine.certificate);
    west.addIssuer('input', 'my-ca', {
      ...(await makeSiteAuthority('x')),
      certificate: mine.certificate,
    });
    expect(await refusal({ issuer: 'my-ca' })).toMatchObject({ refused: 'issuer_unavailable' });
    const lapsed = await refusal({ now: Date.parse('2040-01-01T00:00:00Z') });
    expect(lapsed).toMatchObject({
      refused: 'issuer_unavailable',
      reason: expect.stringContaining('expired'),
    });
    expect(lapsed.hint).toContain('reload the site');
  });
});

describe('access to a system site', () => {
  it('is refused without a namespace, without a site, and before the start of the site', async () => {
    expect(await refusal({ namespace: 'nope' })).toEqual({
      refused: 'link_access_unavailable',
      reason: 'namespace "nope" has no site',
      hint: expect.stringMatching(
        /^create one with `skupper site create NAME --enable-link-access -n \S+ -p linux` and start it/,
      ),
    });
    west.delete('runtime');
    expect(await refusal()).toEqual({
      refused: 'link_access_unavailable',
      reason: 'the site of namespace "west" is not started',
      hint: expect.stringMatching(/^start it with `skupper system start -n west -p linux`$/),
    });
    west.delete('input/resources/Site-west.yaml');
    expect(await refusal()).toMatchObject({ reason: 'namespace "west" has no site' });
  });

  it('is refused without link access', async () => {
    expect(await refusal({ namespace: 'east' })).toEqual({
      refused: 'link_access_unavailable',
      reason: 'site "east" accepts no links',
      hint: 'enable it with `skupper site update east --enable-link-access -n east -p linux`, then run `skupper system reload -n east -p linux`',
      isRequestOnly: true,
    });
  });

  it('is refused for an edge site', async () => {
    west.writeResource('runtime', { kind: 'Site', name: 'west', spec: { edge: true } });
    expect(await refusal()).toEqual({
      refused: 'edge_site',
      reason: 'site "west" is an edge site and accepts no links',
      hint: 'accept links at a site that is not an edge site',
      isRequestOnly: true,
    });
  });

  it('is refused if the issuer of the Site leads out of its directory', async () => {
    copySite('west', home, 'north');
    const defaultIssuer = '../../../north/runtime/issuers/skupper-site-ca';
    west.writeResource('runtime', { kind: 'Site', name: 'west', spec: { defaultIssuer } });
    expect((await refusal()).reason).toBe(`"${defaultIssuer}" is not a valid issuer name`);
  });

  it.each([
    [
      'tlsCredentials: west',
      '../../../north/runtime/certs/west',
      'its credentials, which is not a valid name',
    ],
    ['port: 55671', '55671.5', 'the port of inter-router, which is not a valid port'],
    ['port: 45671', '1e3', 'the port of edge, which is not a valid port'],
  ])('is refused if "%s" in the RouterAccess is changed to the value %s', async (field, value, reason) => {
    copySite('west', home, 'north');
    const [key = ''] = field.split(':');
    const file = 'runtime/resources/RouterAccess-west.yaml';
    west.write(file, west.read(file).replace(field, `${key}: "${value}"`));
    expect((await refusal()).reason).toContain(`"${value}" as ${reason}`);
  });

  it('is refused outside the only namespace that is served', async () => {
    copySite('west', home, 'other');
    expect(await refusal({ only: 'other' })).toMatchObject({
      refused: 'link_access_unavailable',
      reason: 'namespace "west" is not served; the service serves only "other"',
      hint: expect.stringContaining('--namespace'),
    });
    expect((await access({ only: 'other', namespace: 'other' })).endpoints).toHaveLength(2);
  });

  it.each([
    ['0.0.0.0', '"0.0.0.0" means all addresses of this machine, so other hosts cannot connect to it'],
    ['::', '"::" means all addresses of this machine, so other hosts cannot connect to it'],
    ['fe80::fc:ff:fe00:1', '"fe80::fc:ff:fe00:1" is only valid on one network segment'],
    [
      '127.0.0.1',
      `the router's certificate does not name "127.0.0.1" as a DNS name; it names vm, 192.0.2.2, fd00::2, west`,
    ],
    [
      'else.example.com',
      `the router's certificate does not name "else.example.com" as a DNS name; it names vm, 192.0.2.2, fd00::2, west`,
    ],
  ])('is refused with --host %s', async (host, reason) => {
    const found = await refusal({ hosts: [host] });
    expect(found).toMatchObject({ refused: 'link_access_unavailable', reason });
    expect(found.hint).toContain('--host');
  });

  it('is refused with several --host that the certificate does not name, and the message lists them', async () => {
    expect((await refusal({ hosts: ['a.example.com', 'b.example.com'] })).reason).toContain(
      'does not name "a.example.com" or "b.example.com" as a DNS name',
    );
    expect((await access({ hosts: ['0.0.0.0', 'vm'] })).endpoints[0]).toMatchObject({ host: 'vm' });
  });

  it('is refused with a loopback address, unless --host names it and the certificate contains it', async () => {
    await west.addRouterCertificate('west', {
      authority: await siteAuthority(),
      hosts: ['127.0.0.1'],
      trusted: siteCa(),
    });
    expect((await access({ hosts: ['127.0.0.1'] })).endpoints[0]).toMatchObject({ host: '127.0.0.1' });
    const unasked = await refusal({ hosts: [] });
    expect(unasked.reason).toContain("no address of this machine is in the router's certificate");
    expect(unasked.hint).toMatch(
      /^restart `linkgrant serve` with --host for one of these, or .*subjectAlternativeNames/,
    );
  });

  it("is refused if the router's certificate is of a CA that responses do not contain", async () => {
    const stranger = await makeSiteAuthority('stranger');
    await west.addRouterCertificate('west', {
      authority: stranger.authority,
      hosts: ['vm'],
      trusted: siteCa(),
    });
    expect(await refusal()).toMatchObject({
      refused: 'issuer_untrusted',
      reason: expect.stringContaining('the certificate of the router at "west" does not verify'),
      hint: expect.stringContaining('reload the site'),
    });
  });

  it('is refused if the certificate of the router cannot be read', async () => {
    west.delete('runtime/certs/west/tls.crt');
    expect(await refusal()).toMatchObject({
      refused: 'issuer_untrusted',
      reason: expect.stringMatching(/runtime\/certs\/west\/tls.crt cannot be read: it does not exist$/),
    });
    west.write('runtime/certs/west/tls.crt', 'nothing');
    expect(await refusal()).toMatchObject({ refused: 'issuer_untrusted' });
  });
});

/** The site CA of the fixture, to sign with. */
async function siteAuthority() {
  return (await access()).issuer;
}

describe('the detected host', () => {
  it.each([
    [['vm', '192.0.2.2', 'west.example.com'], ['198.51.100.1', '192.0.2.2'], '192.0.2.2'],
    [['vm', '192.0.2.2', 'west.example.com'], ['198.51.100.1'], 'west.example.com'],
    [['vm', '192.0.2.2', '0.0.0.0', '::', 'localhost'], ['198.51.100.1'], undefined],
  ] as const)('from certificate names %j on a machine with addresses %j is %s', (names, own, host) => {
    expect(detectHost(names, own)).toBe(host);
  });

  it('is in the endpoints without --host', async () => {
    await west.addRouterCertificate('west', {
      authority: await siteAuthority(),
      hosts: ['0.0.0.0', 'west.example.com'],
      trusted: siteCa(),
    });
    expect((await access({ hosts: [] })).endpoints[0]).toMatchObject({ host: 'west.example.com' });
  });
});

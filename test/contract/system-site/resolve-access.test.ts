import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { GrantPolicy } from '../../../src/domain/policy.js';
import { describeCertificate, splitCertificates } from '../../../src/pki/certificate-info.js';
import { SystemSite } from '../../../src/platforms/system/system-site.js';
import { makeSiteAuthority, SITE_TIME } from '../../support/sites/kubernetes-site.js';
import { copySite } from '../../support/sites/system-site.js';
import { SystemAccess } from './system-access.js';

const at = new SystemAccess();
const subjects = (pem: string) => splitCertificates(pem).map((one) => describeCertificate(one).subject);

describe('a site with a RouterAccess for other networks', () => {
  const file = resolve(import.meta.dirname, '../../fixtures/inter-network/RouterAccess-west.yaml');
  const roles = async (policy?: GrantPolicy) =>
    (await at.access(policy && { policy })).endpoints.map(({ name, port }) => `${name} ${port}`);
  let text: string;
  const writeRouterAccess = (changed: string) =>
    at.west.write('runtime/resources/RouterAccess-west.yaml', changed);
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
    const { refused, reason, hint } = await at.refusal({ policy: { endpointRoles: [] } });
    expect(refused).toBe('link_access_unavailable');
    expect(reason).toContain('inter-router,edge,inter-network');
    expect(hint).toContain('--endpoint-roles');
    writeRouterAccess(text.replace(/ {2}- name: (inter-router|edge)\n {4}port: \d+\n/g, ''));
    expect((await at.refusal()).reason).toContain('inter-router or edge');
    expect(await roles({ endpointRoles: ['inter-network'] })).toEqual(['inter-network 35671']);
  });

  it('links sites of its own network while the port for other networks is not allocated', async () => {
    writeRouterAccess(text.replace(/ {4}port: 35671\n/, ''));
    expect(await roles()).toEqual(['inter-router 55671', 'edge 45671']);
    const { reason } = await at.refusal({ policy: { endpointRoles: ['inter-network'] } });
    expect(reason).toContain('as the port of inter-network');
  });
});

describe('a site that accepts links', () => {
  it('returns the endpoints of its RouterAccess, its uid, the site CA and the CAs that its router trusts, each once', async () => {
    const { siteUid, endpoints, issuer, caCrt } = await at.access();
    expect(siteUid).toBe('95eccafb-5ebb-4026-930c-9975b4d1cc3c');
    expect(endpoints).toEqual([
      { name: 'inter-router', host: 'vm', port: '55671', group: 'west' },
      { name: 'edge', host: 'vm', port: '45671', group: 'west' },
    ]);
    expect(splitCertificates(issuer.bundlePem)).toEqual(splitCertificates(at.siteCa()));
    expect(splitCertificates(caCrt)).toEqual(splitCertificates(at.siteCa()));
  });

  it('returns a group for each RouterAccess, by name, and every CA that one of them needs', async () => {
    const other = await makeSiteAuthority('other router CA');
    at.west.writeResource('runtime', {
      kind: 'RouterAccess',
      name: 'another',
      spec: { roles: [{ name: 'edge', port: 5000 }], tlsCredentials: 'another-server' },
    });
    await at.west.addRouterCertificate('another-server', {
      authority: other.authority,
      hosts: ['another.example.com', 'vm'],
      trusted: at.siteCa() + other.certificate,
    });
    const { endpoints, caCrt } = await at.access();
    expect(endpoints.map(({ group, name, port }) => `${group} ${name} ${port}`)).toEqual([
      'another edge 5000',
      'west inter-router 55671',
      'west edge 45671',
    ]);
    expect(subjects(caCrt).sort()).toEqual([...subjects(at.siteCa()), ...subjects(other.certificate)].sort());
    const each = await at.access({ hosts: ['another.example.com', '192.0.2.2'] });
    expect(each.endpoints.map(({ group, host }) => `${group} ${host}`)).toEqual([
      'another another.example.com',
      'west 192.0.2.2',
      'west 192.0.2.2',
    ]);
  });

  it('returns the CA of 21 RouterAccesses once', async () => {
    const one = at.west.read('runtime/resources/RouterAccess-west.yaml');
    for (let n = 0; n < 20; n += 1) {
      at.west.write(`runtime/resources/RouterAccess-w${n}.yaml`, one.replace('name: west', `name: w${n}`));
    }
    const { endpoints, caCrt } = await at.access();
    expect(endpoints).toHaveLength(2 * 21);
    expect(subjects(caCrt)).toEqual(subjects(at.siteCa()));
  });

  it('is read from the home directory of a user too', async () => {
    const rootless = copySite('west', join(at.home, 'home', '.local', 'share', 'skupper'), 'mine');
    const place = { skupperHome: rootless.home, hosts: ['vm'], platform: 'linux' };
    const site = new SystemSite(place, () => SITE_TIME);
    expect(await site.resolveAccess({ namespace: 'mine', name: 'x', issuer: null })).toMatchObject({
      siteUid: expect.any(String),
    });
  });

  it('is read at each call, so that a recreated site returns its new CA', async () => {
    const place = { skupperHome: at.home, hosts: ['vm'], platform: 'linux' };
    const site = new SystemSite(place, () => SITE_TIME);
    const request = { namespace: 'west', name: 'x', issuer: null };
    expect(await site.resolveAccess(request)).toMatchObject({ issuer: { description: 'skupper-site-ca' } });
    const renewed = await makeSiteAuthority('renewed site CA');
    at.west.addIssuer('runtime', 'skupper-site-ca', renewed);
    // Between the two writes of a reload, the router still trusts only the old CA.
    expect(await site.resolveAccess(request)).toMatchObject({ refused: 'issuer_untrusted' });
    await at.west.addRouterCertificate('west', {
      authority: renewed.authority,
      hosts: ['vm'],
      trusted: renewed.certificate,
    });
    const found = await site.resolveAccess(request);
    if ('refused' in found) throw new Error(found.reason);
    expect(subjects(found.caCrt)).toEqual(['renewed site CA']);
  });

  it('ignores hidden files, invalid YAML, and files without a YAML extension', async () => {
    at.west.write('runtime/resources/RouterAccess-broken.yaml', 'kind: [RouterAccess');
    at.west.write(
      'runtime/resources/.RouterAccess-x.yaml',
      at.west.read('runtime/resources/RouterAccess-west.yaml').replace('name: west', 'name: hidden'),
    );
    at.west.write('runtime/resources/notes.txt', 'kind: Site');
    expect((await at.access()).endpoints.map(({ group }) => group)).toEqual(['west', 'west']);
  });
});

describe('the CA that signs', () => {
  const trustAlso = (pem: string) => at.west.write('runtime/certs/west/ca.crt', at.siteCa() + pem);

  it('is the issuer of the grant, if the router trusts it', async () => {
    const mine = await makeSiteAuthority('my CA');
    at.west.addIssuer('input', 'my-ca', mine);
    expect(await at.refusal({ issuer: 'my-ca' })).toMatchObject({
      refused: 'issuer_untrusted',
      reason: expect.stringContaining('the router does not trust my CA at "west"'),
      hint: expect.stringContaining('add this issuer to the CAs that the router trusts'),
    });
    trustAlso(mine.certificate);
    const { issuer, caCrt } = await at.access({ issuer: 'my-ca' });
    expect(issuer.description).toBe('my CA');
    expect(subjects(caCrt).sort()).toEqual([...subjects(at.siteCa()), 'my CA'].sort());
    expect((await at.access()).issuer.description).toBe(subjects(at.siteCa())[0]);
  });

  it('is the default issuer of the Site if the grant has none', async () => {
    const mine = await makeSiteAuthority('my CA');
    at.west.addIssuer('input', 'my-ca', mine);
    at.west.writeResource('runtime', { kind: 'Site', name: 'west', spec: { defaultIssuer: 'my-ca' } });
    expect(await at.refusal()).toMatchObject({ refused: 'issuer_untrusted' });
    trustAlso(mine.certificate);
    expect((await at.access()).issuer.description).toBe('my CA');
    expect((await at.access({ issuer: 'skupper-site-ca' })).issuer.description).toBe(
      subjects(at.siteCa())[0],
    );
  });

  it('is never a CA that is missing, has expired or does not match its key', async () => {
    expect(await at.refusal({ issuer: 'nobody' })).toMatchObject({
      refused: 'issuer_unavailable',
      reason: 'there is no issuer "nobody" in runtime/issuers or input/issuers',
    });
    const mine = await makeSiteAuthority('my CA');
    trustAlso(mine.certificate);
    at.west.addIssuer('input', 'my-ca', {
      ...(await makeSiteAuthority('x')),
      certificate: mine.certificate,
    });
    expect(await at.refusal({ issuer: 'my-ca' })).toMatchObject({ refused: 'issuer_unavailable' });
    const lapsed = await at.refusal({ now: Date.parse('2040-01-01T00:00:00Z') });
    expect(lapsed).toMatchObject({
      refused: 'issuer_unavailable',
      reason: expect.stringContaining('expired'),
    });
    expect(lapsed.hint).toContain('reload the site');
  });
});

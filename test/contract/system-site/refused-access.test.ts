import { describe, expect, it } from 'vitest';
import { detectHost } from '../../../src/platforms/system/routable-host.js';
import { makeSiteAuthority } from '../../support/sites/kubernetes-site.js';
import { copySite } from '../../support/sites/system-site.js';
import { SystemAccess } from './system-access.js';

const at = new SystemAccess();

describe('access to a system site', () => {
  it('is refused without a namespace, without a site, and before the start of the site', async () => {
    expect(await at.refusal({ namespace: 'nope' })).toEqual({
      refused: 'link_access_unavailable',
      reason: 'namespace "nope" has no site',
      hint: expect.stringMatching(
        /^create one with `skupper site create NAME --enable-link-access -n \S+ -p linux` and start it/,
      ),
    });
    at.west.delete('runtime');
    expect(await at.refusal()).toEqual({
      refused: 'link_access_unavailable',
      reason: 'the site of namespace "west" is not started',
      hint: expect.stringMatching(/^start it with `skupper system start -n west -p linux`$/),
    });
    at.west.delete('input/resources/Site-west.yaml');
    expect(await at.refusal()).toMatchObject({ reason: 'namespace "west" has no site' });
  });

  it('is refused without link access', async () => {
    expect(await at.refusal({ namespace: 'east' })).toEqual({
      refused: 'link_access_unavailable',
      reason: 'site "east" accepts no links',
      hint: 'enable it with `skupper site update east --enable-link-access -n east -p linux`, then run `skupper system reload -n east -p linux`',
      isRequestOnly: true,
    });
  });

  it('is refused for an edge site', async () => {
    at.west.writeResource('runtime', { kind: 'Site', name: 'west', spec: { edge: true } });
    expect(await at.refusal()).toEqual({
      refused: 'edge_site',
      reason: 'site "west" is an edge site and accepts no links',
      hint: 'accept links at a site that is not an edge site',
      isRequestOnly: true,
    });
  });

  it('is refused if the issuer of the Site leads out of its directory', async () => {
    copySite('west', at.home, 'north');
    const defaultIssuer = '../../../north/runtime/issuers/skupper-site-ca';
    at.west.writeResource('runtime', { kind: 'Site', name: 'west', spec: { defaultIssuer } });
    expect((await at.refusal()).reason).toBe(`"${defaultIssuer}" is not a valid issuer name`);
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
    copySite('west', at.home, 'north');
    const [key = ''] = field.split(':');
    const file = 'runtime/resources/RouterAccess-west.yaml';
    at.west.write(file, at.west.read(file).replace(field, `${key}: "${value}"`));
    expect((await at.refusal()).reason).toContain(`"${value}" as ${reason}`);
  });

  it('is refused outside the only namespace that is served', async () => {
    copySite('west', at.home, 'other');
    expect(await at.refusal({ only: 'other' })).toMatchObject({
      refused: 'link_access_unavailable',
      reason: 'namespace "west" is not served; the service serves only "other"',
      hint: expect.stringContaining('--namespace'),
    });
    expect((await at.access({ only: 'other', namespace: 'other' })).endpoints).toHaveLength(2);
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
    const found = await at.refusal({ hosts: [host] });
    expect(found).toMatchObject({ refused: 'link_access_unavailable', reason });
    expect(found.hint).toContain('--host');
  });

  it('is refused with several --host that the certificate does not name, and the message lists them', async () => {
    expect((await at.refusal({ hosts: ['a.example.com', 'b.example.com'] })).reason).toContain(
      'does not name "a.example.com" or "b.example.com" as a DNS name',
    );
    expect((await at.access({ hosts: ['0.0.0.0', 'vm'] })).endpoints[0]).toMatchObject({ host: 'vm' });
  });

  it('is refused with a loopback address, unless --host names it and the certificate contains it', async () => {
    await at.west.addRouterCertificate('west', {
      authority: await siteAuthority(),
      hosts: ['127.0.0.1'],
      trusted: at.siteCa(),
    });
    expect((await at.access({ hosts: ['127.0.0.1'] })).endpoints[0]).toMatchObject({ host: '127.0.0.1' });
    const unasked = await at.refusal({ hosts: [] });
    expect(unasked.reason).toContain("no address of this machine is in the router's certificate");
    expect(unasked.hint).toMatch(
      /^restart `linkgrant serve` with --host for one of these, or .*subjectAlternativeNames/,
    );
  });

  it("is refused if the router's certificate is of a CA that responses do not contain", async () => {
    const stranger = await makeSiteAuthority('stranger');
    await at.west.addRouterCertificate('west', {
      authority: stranger.authority,
      hosts: ['vm'],
      trusted: at.siteCa(),
    });
    expect(await at.refusal()).toMatchObject({
      refused: 'issuer_untrusted',
      reason: expect.stringContaining('the certificate of the router at "west" does not verify'),
      hint: expect.stringContaining('reload the site'),
    });
  });

  it('is refused if the certificate of the router cannot be read', async () => {
    at.west.delete('runtime/certs/west/tls.crt');
    expect(await at.refusal()).toMatchObject({
      refused: 'issuer_untrusted',
      reason: expect.stringMatching(/runtime\/certs\/west\/tls.crt cannot be read: it does not exist$/),
    });
    at.west.write('runtime/certs/west/tls.crt', 'nothing');
    expect(await at.refusal()).toMatchObject({ refused: 'issuer_untrusted' });
  });
});

/** The site CA of the fixture, to sign with. */
async function siteAuthority() {
  return (await at.access()).issuer;
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
    await at.west.addRouterCertificate('west', {
      authority: await siteAuthority(),
      hosts: ['0.0.0.0', 'west.example.com'],
      trusted: at.siteCa(),
    });
    expect((await at.access({ hosts: [] })).endpoints[0]).toMatchObject({ host: 'west.example.com' });
  });
});

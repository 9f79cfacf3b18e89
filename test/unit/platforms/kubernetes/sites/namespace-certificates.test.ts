import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeCertificate } from '../../../../../src/pki/certificate-info.js';
import { RecordedSite, SITE_TIME } from '../../../../support/sites/kubernetes-site.js';
import { endlessChain } from '../../../../support/slow-certificates.js';
import { siteAt } from './recorded-kubernetes-site.js';

let recorded: RecordedSite;
beforeEach(() => {
  recorded = new RecordedSite();
});

describe('the certificates of a namespace', () => {
  const grant = () => ({ namespace: 'west', name: 'a-grant', issuer: null });
  let now: number;
  beforeEach(() => {
    now = SITE_TIME;
  });
  afterEach(() => vi.restoreAllMocks());

  it('are not verified again for five minutes after they were refused, unless they change', async () => {
    const chain = endlessChain(29, 'slow');
    const slow = { 'tls.crt': chain.slice(0, 16).join(''), 'ca.crt': chain.slice(16).join('') };
    const trusted = recorded.pem('skupper-site-ca', 'tls.crt');
    const good = recorded.pem('skupper-site-server', 'tls.crt');
    recorded.setPem('skupper-site-server', { ...slow, 'ca.crt': trusted + slow['ca.crt'] });
    const site = siteAt(recorded, () => now);
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    const judge = async () => {
      verify.mockClear();
      const found = await site.resolveAccess(grant());
      return { reason: 'refused' in found ? found.reason : 'none', signatures: verify.mock.calls.length };
    };
    const first = await judge();
    expect(first.reason).toContain('more than 24 signatures to verify');
    // The certificate of the issuer was verified too.
    expect(first.signatures).toBe(25);
    now += 299_999;
    // The issuer was accepted, and that result is cached for ten seconds.
    expect(await judge()).toEqual({ ...first, signatures: 1 });
    now += 1;
    expect((await judge()).signatures).toBe(24);
    // On a slow machine this verification uses up the CPU budget of its 30 seconds.
    now += 30_000;
    recorded.setPem('skupper-site-server', { 'tls.crt': good, 'ca.crt': trusted });
    expect((await judge()).reason).toBe('none');
  });

  it('are verified once for grants of the same roles, also between grants of other roles', async () => {
    const between = { group: 'skupper-router', host: '127.0.0.1', name: 'inter-network', port: '35671' };
    recorded.find('Site').status.endpoints.push(between);
    recorded.add('RouterAccess', 'between', {
      ...{ spec: { roles: [{ name: 'inter-network' }], tlsCredentials: 'between' } },
      status: { endpoints: [between] },
    });
    recorded.add('Secret', 'between', { data: recorded.find('Secret', 'skupper-site-server').data });
    const site = siteAt(recorded, () => now);
    const resolveBoth = async () => {
      for (const policy of [{}, { endpointRoles: ['inter-network'] }] as const) {
        expect(await site.resolveAccess({ ...grant(), policy })).not.toHaveProperty('refused');
      }
    };
    await resolveBoth();
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    await resolveBoth();
    expect(verify).not.toHaveBeenCalled();
  });

  it('are verified again after ten seconds if one was not valid yet', async () => {
    const { notBefore } = describeCertificate(recorded.pem('skupper-site-ca', 'tls.crt'));
    now = notBefore - 1;
    const site = siteAt(recorded, () => now);
    expect(await site.resolveAccess(grant())).toMatchObject({ refused: 'issuer_unavailable' });
    now += 10_000;
    expect(await site.resolveAccess(grant())).not.toHaveProperty('refused');
  });

  it('are not verified any more after 200 ms of CPU within 30 seconds', async () => {
    const chain = endlessChain(29, 'slow');
    const slow = { 'tls.crt': chain.slice(0, 16).join(''), 'ca.crt': chain.slice(16).join('') };
    const site = siteAt(recorded, () => now);
    const judgeChanged = async (change: number) => {
      recorded.setPem('skupper-site-server', { ...slow, 'ca.crt': slow['ca.crt'] + '\n'.repeat(change) });
      return site.resolveAccess(grant()).catch((error: unknown) => error);
    };
    const refused = { refused: expect.any(String) };
    let result = await judgeChanged(0);
    expect(result).toMatchObject(refused);
    // A fast machine needs several hundred checks.
    let change = 0;
    while (!(result instanceof Error) && change < 10_000) result = await judgeChanged(++change);
    expect(result).toMatchObject({ code: 'overloaded' });
    now += 30_000;
    expect(await judgeChanged(change + 1)).toMatchObject(refused);
  });
});

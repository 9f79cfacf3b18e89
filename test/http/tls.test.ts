import type { ConnectionOptions, SecureVersion } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { redeemLink } from '../support/links/test-link.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { makeAuthority, makeIdentity, type TestIdentity, writeIdentity } from '../support/server-identity.js';
import { DAY, startTestService } from '../support/service.js';
import { openWire, parseResponse, type Target } from '../support/wire.js';
import { OpenSsl } from '../unit/pki/openssl.js';

const openssl = releaseAfterFile(new OpenSsl());
const service = releaseAfterFile(await startTestService());

const authority = await makeAuthority('a cluster CA');
const write = (identity: TestIdentity) => writeIdentity(openssl.directory, identity);
const external = releaseAfterFile(await startTestService(write(await makeIdentity({ authority }))));

/** Returns what a handshake negotiated; rejects if it fails. */
async function handshake(target: Target, options: ConnectionOptions = {}) {
  const { socket } = await openWire(target, options);
  const agreed = {
    protocol: socket.getProtocol(),
    alpn: socket.alpnProtocol,
    serial: socket.getPeerCertificate().serialNumber,
    group: (socket.getEphemeralKeyInfo() as { name?: string }).name,
    reused: socket.isSessionReused(),
  };
  socket.destroy();
  return agreed;
}

async function refuses(target: Target, version: SecureVersion): Promise<void> {
  // OpenSSL offers TLS 1.0 and 1.1 only at security level 0.
  const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
  await expect(handshake(target, options)).rejects.toMatchObject({
    code: expect.stringMatching(/PROTOCOL_VERSION|NO_PROTOCOLS_AVAILABLE/),
  });
}

async function resumesNothing(target: Target): Promise<void> {
  const { socket, ended } = await openWire(target);
  const sessions: Buffer[] = [];
  socket.on('session', (session: Buffer) => sessions.push(session));
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(parseResponse(await ended).status).toBe(405);
  for (const session of sessions)
    expect(await handshake(target, { session })).toMatchObject({ reused: false });
}

describe('the TLS listener', () => {
  it.each(['TLSv1.2', 'TLSv1.1', 'TLSv1'] as const)('refuses %s', (version) => refuses(service, version));

  it('selects HTTP/1.1 if HTTP/2 is offered too, refuses HTTP/2 alone, and works without ALPN', async () => {
    const both = await handshake(service, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(both.alpn).toBe('http/1.1');
    await expect(handshake(service, { ALPNProtocols: ['h2'] })).rejects.toMatchObject({
      code: expect.stringContaining('NO_APPLICATION_PROTOCOL'),
    });
    expect((await handshake(service)).alpn).toBe(false);
  });

  it('uses P-256 if a client does not support X25519', async () => {
    expect(await handshake(service, { ecdhCurve: 'P-256' })).toMatchObject({ group: 'prime256v1' });
    expect(await handshake(service, { ecdhCurve: 'P-384' })).toMatchObject({ group: 'secp384r1' });
  });

  it('resumes no session', async () => {
    await resumesNothing(service);
  });

  it('has a certificate with all its host names and addresses', async () => {
    expect(await handshake(service, { host: 'localhost', servername: 'localhost' })).toMatchObject({
      protocol: 'TLSv1.3',
    });
    await expect(handshake(service, { servername: 'elsewhere.example.com' })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });
});

describe('a listener with --tls-min-version 1.2', () => {
  it('supports TLS 1.2, and TLS 1.3 if both sides do', async () => {
    const service = releaseAfterTest(await startTestService({ tlsMinVersion: '1.2' }));
    expect(await handshake(service, { maxVersion: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2' });
    expect(await handshake(service)).toMatchObject({ protocol: 'TLSv1.3' });
    await redeemLink(service);
  });
});

describe('an external server certificate', () => {
  it('is used, and tokens contain its CA', async () => {
    expect(external.ca).toBe(authority.bundlePem);
    await redeemLink(external);
  });

  it('is reloaded without closing an open connection', async () => {
    const before = await handshake(external);
    const { grant, code } = await external.grant();
    const open = await openWire(external);
    open.send(
      `POST /${grant.uid} HTTP/1.1\r\nHost: h\r\ncsr: ${csrHeader().csr}\r\nContent-Length: 24\r\n\r\n`,
    );
    write(await makeIdentity({ authority }));
    await external.running.reloadIdentity();
    expect((await handshake(external)).serial).not.toBe(before.serial);
    open.send(code);
    redeemedAnswer(parseResponse(await open.ended));
  });

  it('is reloaded, and the listener still refuses TLS 1.2, offers no HTTP/2 and resumes no session', async () => {
    await refuses(external, 'TLSv1.2');
    expect(await handshake(external, { ALPNProtocols: ['h2', 'http/1.1'] })).toMatchObject({
      alpn: 'http/1.1',
    });
    await resumesNothing(external);
  });

  it.each([
    [
      'a key of another certificate',
      async () => ({ ...(await makeIdentity({ authority })), key: (await makeIdentity()).key }),
    ],
    ['no certificate', async () => ({ ...(await makeIdentity({ authority })), cert: 'half a certif' })],
    ['no key', async () => ({ ...(await makeIdentity({ authority })), key: '' })],
    [
      'an encrypted key',
      async () => {
        const identity = await makeIdentity({ authority });
        const key = openssl.run(['pkey', '-aes128', '-passout', 'pass:secret'], identity.key).toString();
        return { ...identity, key };
      },
    ],
  ])('stays in use when it is replaced with %s, and the log reports that', async (_what, bad) => {
    const { serial } = await handshake(external);
    const earlier = external.logged().length;
    write(await bad());
    await external.running.reloadIdentity();
    expect((await handshake(external)).serial).toBe(serial);
    expect(external.logged().slice(earlier)).toContainEqual(
      expect.objectContaining({ event: 'certificate_kept' }),
    );
    await redeemLink(external);
  });

  it('is reloaded as soon as certificate and key match again', async () => {
    const { serial } = await handshake(external);
    write(await makeIdentity({ authority }));
    await external.running.reloadIdentity();
    expect((await handshake(external)).serial).not.toBe(serial);
    await redeemLink(external);
  });
});

describe('the service’s own certificate', () => {
  it('is reissued when a third of its lifetime is left', async () => {
    const service = releaseAfterTest(await startTestService());
    const { serial } = await handshake(service);
    await service.running.reloadIdentity();
    expect((await handshake(service)).serial).toBe(serial);
    service.clock.advance(244 * DAY);
    await service.running.reloadIdentity();
    // The certificate begins in the future of this machine's clock, which the client uses.
    expect((await handshake(service, { rejectUnauthorized: false })).serial).not.toBe(serial);
  });
});

import { describe, expect, it } from 'vitest';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import type { RedeemableToken } from '../../../src/domain/access-token.js';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { releaseAfterTest } from '../../support/release.js';
import { makeAuthority, makeIdentity, type TestIdentity } from '../../support/server-identity.js';
import { serveHttps, type TestServer } from '../../support/servers/hostile-server.js';

/** A server that presents `cert` and, unless it is empty, `ca`. */
async function serve(identity: TestIdentity): Promise<TestServer> {
  const { cert, key, ca } = identity;
  const options = { identity: { cert: cert + ca, key, ca: '' } };
  return releaseAfterTest(
    await serveHttps((_request, _incoming, response) => void response.end('hello'), options),
  );
}

const pinOf = (ca: string) => ({ pin: describeCertificate(ca).sha256.slice(0, 32) });

/** The answer to a redemption, or the code of its error. */
function redeem(server: TestServer, ca: RedeemableToken['ca'], host = '127.0.0.1'): Promise<string> {
  const url = server.token.url.replace('127.0.0.1', host);
  const client = createRedemptionClient({ clock: Date.now, timeoutMs: 5_000 });
  const redemption = { name: 'my-link', subject: 'west', csrDer: Uint8Array.of(1, 2, 3) };
  return client
    .redeem({ token: { ...server.token, url, ca }, ...redemption })
    .catch((error: { readonly code: string }) => error.code);
}

describe('a client that knows the pin of a CA', () => {
  it('sends the code to a server that presents this CA and a certificate of it', async () => {
    const identity = await makeIdentity();
    const server = await serve(identity);
    expect(await redeem(server, pinOf(identity.ca))).toBe('hello');
    expect(server.seen.map(({ body }) => body)).toEqual([server.token.code]);
  });

  it('sends nothing to a server with another CA', async () => {
    const server = await serve(await makeIdentity());
    const other = await makeAuthority('Test Server CA');
    expect(await redeem(server, pinOf(other.bundlePem))).toBe('tls_untrusted');
    expect(server.seen).toEqual([]);
  });

  it('sends nothing to a server that presents this CA beside a certificate of another CA', async () => {
    const [genuine, other] = await Promise.all([makeIdentity(), makeIdentity()]);
    const server = await serve({ ...other, ca: other.ca + genuine.ca });
    expect(await redeem(server, pinOf(genuine.ca))).toBe('tls_untrusted');
    expect(server.seen).toEqual([]);
  });

  it('sends nothing to a server that does not present its CA', async () => {
    const identity = await makeIdentity();
    const server = await serve({ ...identity, ca: '' });
    expect(await redeem(server, pinOf(identity.ca))).toBe('tls_untrusted');
    expect(server.seen).toEqual([]);
  });

  it('sends nothing to a server whose certificate is for another host', async () => {
    const identity = await makeIdentity({ hosts: ['127.0.0.1'] });
    const server = await serve(identity);
    expect(await redeem(server, pinOf(identity.ca), 'localhost')).toBe('tls_name');
    expect(server.seen).toEqual([]);
  });

  it('does not send the code to a server whose certificate has expired', async () => {
    const identity = await makeIdentity({ issuedAt: Date.now() - 10 * 86_400_000 });
    const server = await serve(identity);
    expect(await redeem(server, pinOf(identity.ca))).toBe('tls_untrusted');
    expect(server.seen.map(({ body }) => body).join('')).toBe('');
  });
});

describe('a client of a public service', () => {
  it('sends nothing to a server whose CA the system does not trust', async () => {
    const server = await serve(await makeIdentity());
    expect(await redeem(server, undefined)).toBe('tls_untrusted');
    expect(server.seen).toEqual([]);
  });
});

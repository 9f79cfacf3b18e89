import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { SERVER_WORK } from '../../../src/client/connection.js';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import { createRenewalClient } from '../../../src/client/https-renewal-client.js';
import { createLinkDialer } from '../../../src/client/link-dial.js';
import { readRouterLinks } from '../../../src/client/network-observer.js';
import { providerFetch } from '../../../src/client/provider-fetch.js';
import { postWebhook } from '../../../src/client/webhook-client.js';
import { issueServerCertificate } from '../../../src/pki/certificates.js';
import { generateKey } from '../../../src/pki/keys.js';
import { CpuBudget } from '../../../src/time/cpu-budget.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeAuthority, makeIdentity, type TestIdentity } from '../../support/server-identity.js';
import { listenLocally } from '../../support/servers/local-server.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';
import { type SlowKey, slowCertificates, slowIdentity } from '../../support/slow-certificates.js';

const options = { clock: Date.now, timeoutMs: 5_000 };
const signal = new AbortController().signal;

async function serve(identity: TestIdentity): Promise<number> {
  const server = createHttpsServer({ ...identity }, (_request, response) => response.end('hello'));
  server.on('tlsClientError', () => undefined);
  return releaseAfterTest(await listenLocally(server)).port;
}

function redeem(port: number, ca: string | { readonly pin: string }, connection: object = {}) {
  return createRedemptionClient({ ...options, ...connection }).redeem({
    token: { name: 'my-link', url: `https://127.0.0.1:${port}/x`, code: 'a code', ca },
    name: 'my-link',
    subject: 'west',
    csrDer: Uint8Array.of(1, 2, 3),
  });
}

/** A server identity with two CAs, all with RSA-4096. They share a key, because its generation takes seconds. */
function rsa4096Identity(): TestIdentity {
  const directory = directoryForTest();
  const path = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe', cwd: directory });
  openssl('genrsa', '-out', 'key', '4096');
  const issue = (name: string, ...args: string[]) =>
    openssl('req', '-x509', '-key', 'key', '-subj', `/CN=${name}`, '-out', name, '-days', '9', ...args);
  issue('root');
  issue('between', '-CA', 'root', '-CAkey', 'key');
  issue('leaf', '-CA', 'between', '-CAkey', 'key', '-addext', 'subjectAltName=IP:127.0.0.1');
  const read = (name: string) => readFileSync(path(name), 'utf8');
  return { cert: read('leaf') + read('between'), key: read('key'), ca: read('root') };
}

/** Each connection that this program opens to a server: rejects if the handshake fails. */
const CONNECTIONS: Record<string, (port: number, identity: TestIdentity) => Promise<unknown>> = {
  'a redemption': (port, { ca }) => redeem(port, ca),
  'a redemption with a CA that the server does not have': async (port) =>
    redeem(port, (await makeIdentity()).ca),
  'a search for the CA of a join line': (port) => redeem(port, { pin: '00'.repeat(16) }),
  'a renewal': (port, { ca }) =>
    createRenewalClient(options).renew({ url: `https://127.0.0.1:${port}/`, ca, request: 'x' }),
  'a link': async (port) => {
    const { ca, cert, key } = await makeIdentity();
    const credentials = { caCrt: ca, tlsCrt: cert, tlsKey: key };
    const result = await createLinkDialer(options)({ host: '127.0.0.1', port }, credentials);
    throw new Error('fault' in result ? result.message : 'accepted');
  },
  'a webhook': (port, { ca }) =>
    postWebhook(
      new URL(`https://127.0.0.1:${port}/`),
      { headers: {}, body: '{}' },
      { ...options, allowPrivate: true, ca },
      signal,
    ),
  'a network observer': (port, { ca }) =>
    readRouterLinks({ url: new URL(`https://127.0.0.1:${port}/`), ca }, options, signal),
  'an OIDC provider': (port, { ca }) =>
    providerFetch(ca, '--issuer-ca', options)(`https://127.0.0.1:${port}/`, { signal }),
};

const CHAINS = [
  ['rsa-3072-long-exponent', 70],
  ['rsa-3072-long-exponent', 13],
  ['k571', 50],
] as const satisfies readonly (readonly [SlowKey, number])[];

describe.each(CHAINS)('a server with a chain of keys of type %s, %i of them', (kind, count) => {
  const identity = slowIdentity(kind, count);

  it.each(Object.keys(CONNECTIONS))('is refused before the chain is verified: %s', async (name) => {
    const connect = CONNECTIONS[name] as (typeof CONNECTIONS)[string];
    await expect(connect(await serve(identity), identity)).rejects.toThrow(
      'sends too many certificates (more than 16 KiB)',
    );
  });
});

it('a proxy with a long chain of certificates is refused before the chain is verified', async () => {
  const identity = slowIdentity('rsa-3072-long-exponent', 13);
  const { port } = releaseAfterTest(await startProxy({ identity }));
  await expect(redeem(1, identity.ca, { proxy: `https://127.0.0.1:${port}` })).rejects.toThrow(
    'HANDSHAKE_TOO_LONG',
  );
});

it('a server with 15 KB of certificates is accepted if the first one verifies', async () => {
  const identity = await makeIdentity();
  const others = slowCertificates('rsa-4096', 10, 'unused');
  const port = await serve({ ...identity, cert: [identity.cert, ...others].join('') });
  expect(await redeem(port, identity.ca)).toBe('hello');
});

it('a response that is longer than a handshake may be is read to its end', async () => {
  const identity = await makeIdentity();
  const text = 'x'.repeat(200_000);
  const server = createHttpsServer({ ...identity }, (_request, response) => response.end(text));
  const { port } = releaseAfterTest(await listenLocally(server));
  expect(await redeem(port, identity.ca)).toBe(text);
});

describe('the CPU time of a handshake', () => {
  /** Redeems with the budget of a namespace until that must wait, at most 100 times. Returns how often. */
  async function redemptionsUntilWait(identity: TestIdentity): Promise<number> {
    const port = await serve(identity);
    const budget = new CpuBudget(SERVER_WORK);
    for (let count = 1; count <= 100; count += 1) {
      await redeem(port, identity.ca, { runWork: budget.startAttempt('west', () => 0) }).catch(
        () => undefined,
      );
      if (budget.waitMs('west', 0) > 0) return count;
    }
    return Number.POSITIVE_INFINITY;
  }

  it('is charged to the budget if it verifies slow certificates of less than 16 KiB', async () => {
    // With room for the post-quantum key exchange of newer versions of OpenSSL.
    const worst: [SlowKey, number][] = [
      ['rsa-3072-long-exponent', 10],
      ['k571', 30],
    ];
    for (const chain of worst)
      expect(await redemptionsUntilWait(slowIdentity(...chain))).toBeLessThanOrEqual(30);
  });

  it('is free for a server with a chain of RSA-4096', async () => {
    expect(await redemptionsUntilWait(rsa4096Identity())).toBe(Number.POSITIVE_INFINITY);
  });
});

const fetchFrom = (port: number, ca: string) =>
  providerFetch(ca, '--issuer-ca', options)(`https://127.0.0.1:${port}/`, { signal });

describe('a server with TLS 1.3', () => {
  it.each([
    ['X25519', true],
    ['P-256', true],
    ['P-384', true],
    ['P-521', true],
    ['ffdhe4096', false],
    ['ffdhe8192', false],
  ])('can choose %s for the key exchange: %s', async (group, isPossible) => {
    const { cert, key, ca } = await makeIdentity();
    const groups = { ecdhCurve: group, minVersion: 'TLSv1.3' } as const;
    const server = createHttpsServer({ cert, key, ...groups }, (_request, response) => response.end('hello'));
    server.on('tlsClientError', () => undefined);
    const { port } = releaseAfterTest(await listenLocally(server));
    const text = fetchFrom(port, ca).then((response) => response.text());
    if (isPossible) expect(await text).toBe('hello');
    else await expect(text).rejects.toThrow('refused the TLS handshake');
  });
});

describe('a server with TLS 1.2', () => {
  it('cannot choose Diffie-Hellman with parameters of its own', async () => {
    const authority = await makeAuthority('Test Server CA');
    const { keyPem: key, spkiDer } = await generateKey('rsa2048');
    const { certificate: cert } = await issueServerCertificate({
      ...{ authority, spkiDer, commonName: 'test server', hosts: ['127.0.0.1'] },
      ...{ lifetimeMs: DAY_MS, now: Date.now() },
    });
    const start = async (ciphers: string) => {
      const server = createHttpsServer(
        { cert, key, ciphers, dhparam: 'auto', maxVersion: 'TLSv1.2' },
        (_request, response) => response.end('hello'),
      );
      server.on('tlsClientError', () => undefined);
      return releaseAfterTest(await listenLocally(server)).port;
    };
    const other = await start('ECDHE-RSA-AES128-GCM-SHA256');
    expect(await (await fetchFrom(other, authority.bundlePem)).text()).toBe('hello');
    const port = await start('DHE-RSA-AES128-GCM-SHA256');
    await expect(fetchFrom(port, authority.bundlePem)).rejects.toThrow('refused the TLS handshake');
  });

  it('cannot start another handshake after the first one', async () => {
    const identity = await makeIdentity();
    const server = createTlsServer({ ...identity, maxVersion: 'TLSv1.2' });
    const renegotiation = new Promise((resolve) => {
      server.on('secureConnection', (socket: TLSSocket) => {
        socket.on('error', resolve);
        socket.once('data', () => socket.renegotiate({}, () => resolve('renegotiated')));
      });
    });
    const { port } = releaseAfterTest(await listenLocally(server));
    const fetched = fetchFrom(port, identity.ca).catch((error: unknown) => error);
    expect(await renegotiation).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' });
    expect(await fetched).toBeInstanceOf(Error);
  });
});

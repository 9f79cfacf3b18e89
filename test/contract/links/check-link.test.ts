import { createServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { createLinkDialer, type LinkDialOptions } from '../../../src/client/link-dial.js';
import type { Link, LinkSecret } from '../../../src/domain/link.js';
import { checkLink } from '../../../src/redemption/requesting/check-link.js';
import { freePort } from '../../support/free-port.js';
import { linkTo, makeLinkSecret } from '../../support/links/link-samples.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeAuthority, makeIdentity, type TestIdentity } from '../../support/server-identity.js';
import { serveTcp } from '../../support/servers/hostile-server.js';
import { listenLocally } from '../../support/servers/local-server.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';
import { makeAuthority as makeByOpenssl, OpenSsl } from '../../unit/pki/openssl.js';

const site = await makeAuthority('Site CA');

async function router(identity: TestIdentity, options: Parameters<typeof startOpensslRouter>[1] = {}) {
  return releaseAfterTest(await startOpensslRouter(identity, options));
}

/** Starts a router that sends `response` to clients whose certificate it accepts; returns its port. */
async function nodeRouter(identity: TestIdentity, response: Buffer, clientCa = identity.ca): Promise<number> {
  const server = createServer(
    { ...identity, ca: clientCa, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' },
    (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(response));
    },
  );
  server.on('tlsClientError', () => undefined);
  return releaseAfterTest(await listenLocally(server)).port;
}

/** Creates a router certificate that {@link makeIdentity} cannot create, with a CA of its own. */
function makeIdentityByOpenssl(commonName: string, extensions: readonly string[]): TestIdentity {
  const openssl = new OpenSsl();
  const ca = makeByOpenssl(openssl, { subject: '/CN=Site CA' });
  const leaf = makeByOpenssl(openssl, {
    subject: `/CN=${commonName}`,
    issuer: ca,
    extensions: ['basicConstraints=CA:FALSE', ...extensions],
  });
  openssl.remove();
  return { ca: ca.certificate, cert: leaf.certificate, key: leaf.key };
}

/** For a router that refuses the client some time after the handshake. */
const LONG_TIMEOUTS = { silenceMs: 60_000, timeoutMs: 60_000 };

/** Checks a Link; returns the fault and message of its credentials or of its first endpoint, or the fault `ok`. */
async function check(
  link: Link,
  secret: LinkSecret,
  options: Partial<LinkDialOptions> = {},
): Promise<{ fault: string; message: string }> {
  const clock = options.clock ?? Date.now;
  const dial = createLinkDialer({ timeoutMs: 5_000, silenceMs: 500, ...options, clock });
  const { failure, endpoints } = await checkLink(link, secret, { dial, clock });
  const outcome = failure ?? endpoints[0]?.outcome;
  if (!outcome) throw new Error('nothing was checked');
  const result = 'fault' in outcome ? outcome : { fault: 'ok', message: '' };
  expect(result.message).not.toContain('PRIVATE KEY');
  return result;
}

/** Checks a Link of the site to a port of this machine. */
async function checkPort(port: number, options?: Partial<LinkDialOptions>) {
  return check(linkTo('127.0.0.1', port), await makeLinkSecret(site), options);
}

describe('link check of a correct router', () => {
  test('succeeds if the router accepts the certificate and sends nothing', async () => {
    const { port } = await router(await makeIdentity({ authority: site }));
    expect(await checkPort(port)).toMatchObject({ fault: 'ok' });
  });

  test("succeeds at the first bytes of the router's response", async () => {
    const identity = await makeIdentity({ authority: site });
    const port = await nodeRouter(identity, Buffer.from('AMQP\x03\x01\x00\x00'));
    expect(await checkPort(port, { silenceMs: 60_000 })).toMatchObject({ fault: 'ok' });
  });

  test('dials each endpoint, with one outcome for each', async () => {
    const { port } = await router(await makeIdentity({ authority: site }));
    const closedPort = await freePort();
    const singleEndpoint = linkTo('127.0.0.1', port);
    const link = {
      ...singleEndpoint,
      endpoints: [...singleEndpoint.endpoints, ...linkTo('127.0.0.1', closedPort).endpoints],
    };
    const dial = createLinkDialer({ clock: Date.now, silenceMs: 300 });
    const { endpoints } = await checkLink(link, await makeLinkSecret(site), { dial, clock: Date.now });
    expect(endpoints.map(({ outcome }) => ('fault' in outcome ? outcome.fault : 'ok'))).toEqual([
      'ok',
      'connection_refused',
    ]);
  });

  test("uses another route or a proxy, and verifies the certificate for the endpoint's host", async () => {
    const { port } = await router(await makeIdentity({ authority: site, hosts: ['router.example.com'] }));
    const proxy = releaseAfterTest(await startProxy());
    const secret = await makeLinkSecret(site);
    const connectTo = [{ host: 'router.example.com', toHost: '127.0.0.1', toPort: port }];
    const link = linkTo('router.example.com', 55671);
    expect(await check(link, secret, { connectTo })).toMatchObject({ fault: 'ok' });
    const proxied = { connectTo, proxy: `http://127.0.0.1:${proxy.port}` };
    expect(await check(link, secret, proxied)).toMatchObject({ fault: 'ok' });
    expect(proxy.connectRequests.map(({ target }) => target)).toEqual([`127.0.0.1:${port}`]);
  });

  test('succeeds if only the common name of the certificate matches the host', async () => {
    const identity = makeIdentityByOpenssl('localhost', ['extendedKeyUsage=serverAuth']);
    const clients = await makeAuthority('Client CA');
    const { port } = await router(identity, { clientCa: clients.bundlePem });
    const secret = await makeLinkSecret(clients, { caCrt: identity.ca });
    expect(await check(linkTo('localhost', port), secret)).toMatchObject({ fault: 'ok' });
  });
});

describe('link check', () => {
  test('reports a name that cannot be resolved', async () => {
    const result = await check(linkTo('no-such-router.invalid', 55671), await makeLinkSecret(site));
    expect(result).toMatchObject({
      fault: 'dns',
      message: expect.stringContaining('no-such-router.invalid'),
    });
  });

  test('reports a router that sends 2,000 session tickets, as soon as they are too many', async () => {
    const words = ['-tls1_3', '-num_tickets', '2000'];
    const { port } = await router(await makeIdentity({ authority: site }), { words });
    const { message } = await checkPort(port, LONG_TIMEOUTS);
    expect(message).toContain('closed the connection');
  });

  test('reports a listener that accepts the connection and sends nothing', async () => {
    const { port } = releaseAfterTest(await serveTcp(() => undefined));
    expect((await checkPort(port, { timeoutMs: 300 })).fault).toBe('connection_timeout');
  });

  test('reports a listener without TLS', async () => {
    const { port } = releaseAfterTest(await serveTcp((socket) => socket.end('AMQP\x00\x01\x00\x00')));
    expect((await checkPort(port)).fault).toBe('not_tls');
  });

  test('reports a listener without TLS 1.3', async () => {
    const { port } = await router(await makeIdentity({ authority: site }), { words: ['-tls1_2'] });
    expect(await checkPort(port)).toMatchObject({
      fault: 'not_tls',
      message: expect.stringContaining('TLS 1.3'),
    });
  });

  test('reports a router certificate for another name', async () => {
    const { port } = await router(await makeIdentity({ authority: site, hosts: ['other.example.com'] }));
    expect(await checkPort(port)).toMatchObject({
      fault: 'tls_name',
      message: expect.stringContaining('other.example.com'),
    });
  });

  test('reports a router certificate that has the address as an IP address, not as a DNS name', async () => {
    const identity = makeIdentityByOpenssl('router', ['subjectAltName=IP:127.0.0.1,DNS:router']);
    const { port } = await router(identity, { clientCa: site.bundlePem });
    const secret = await makeLinkSecret(site, { caCrt: identity.ca });
    const result = await check(linkTo('127.0.0.1', port), secret);
    expect(result).toMatchObject({
      fault: 'tls_name_address',
      message: expect.stringContaining('DNS names'),
    });
  });

  test('reports a router certificate of another CA with the same name, valid or expired', async () => {
    const foreign = await makeAuthority('Site CA');
    for (const issuedAt of [Date.now(), Date.now() - 10 * DAY_MS]) {
      const { port } = await router(await makeIdentity({ authority: foreign, issuedAt }));
      expect((await checkPort(port)).fault).toBe('tls_untrusted');
    }
  });

  test('reports an expired router certificate', async () => {
    const issuedAt = Date.now() - 10 * DAY_MS;
    const { port } = await router(await makeIdentity({ authority: site, issuedAt }));
    expect((await checkPort(port)).fault).toBe('router_certificate_expired');
  });

  test('reports a router certificate that is not valid yet', async () => {
    const identity = await makeIdentity({ authority: site, issuedAt: Date.now() + 10 * DAY_MS });
    const { port } = await router(identity, { atTime: Date.now() + 10 * DAY_MS });
    expect((await checkPort(port)).fault).toBe('clock_skew');
  });

  test('reports a router whose clock is after the expiry of the client certificate', async () => {
    const atTime = Date.now() + 60 * DAY_MS;
    const { port } = await router(await makeIdentity({ authority: site }), { atTime });
    expect((await checkPort(port, LONG_TIMEOUTS)).fault).toBe('clock_skew');
  });

  test("reports a router that refuses the client's CA with an alert", async () => {
    const clientCa = (await makeAuthority('New Site CA')).bundlePem;
    const { port } = await router(await makeIdentity({ authority: site }), { clientCa });
    expect(await checkPort(port, LONG_TIMEOUTS)).toMatchObject({
      fault: 'certificate_refused',
      message: expect.stringContaining('unknown_ca'),
    });
  });

  test('reports a router that closes the connection after the client certificate, without a reason', async () => {
    const clientCa = (await makeAuthority('New Site CA')).bundlePem;
    const port = await nodeRouter(await makeIdentity({ authority: site }), Buffer.from('AMQP'), clientCa);
    expect((await checkPort(port, LONG_TIMEOUTS)).fault).toBe('certificate_refused');
  });

  test('reports unusable credentials without connecting', async () => {
    let connections = 0;
    const { port } = releaseAfterTest(
      await serveTcp((socket) => {
        connections += 1;
        socket.destroy();
      }),
    );
    const link = linkTo('127.0.0.1', port);
    const secret = await makeLinkSecret(site);
    const other = await makeLinkSecret(site);
    const { tlsKey: _, ...keyless } = secret;
    expect(await check(link, { ...keyless, caCrt: '' })).toEqual({
      fault: 'credentials_missing',
      message: 'Secret "to-west" has no ca.crt, no tls.key.',
    });
    expect((await check(link, { ...secret, tlsKey: other.tlsKey })).fault).toBe('credentials_invalid');
    for (const [field, key] of [
      ['caCrt', 'ca.crt'],
      ['tlsCrt', 'tls.crt'],
      ['tlsKey', 'tls.key'],
    ] as const) {
      expect(await check(link, { ...secret, [field]: 'no PEM' })).toMatchObject({
        fault: 'credentials_invalid',
        message: expect.stringContaining(`${key} in Secret "to-west" cannot be used: `),
      });
    }
    const expired = await makeLinkSecret(site, { issuedAt: Date.now() - 10 * DAY_MS, lifetimeMs: DAY_MS });
    expect((await check(link, expired)).fault).toBe('certificate_expired');
    const notYetValid = await makeLinkSecret(site, { issuedAt: Date.now() + DAY_MS });
    expect((await check(link, notYetValid)).fault).toBe('clock_skew');
    expect(connections).toBe(0);
  });
});

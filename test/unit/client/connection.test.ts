import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { ServiceConnectionOptions } from '../../../src/client/connection.js';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import { tlsFailure } from '../../../src/client/tls-failure.js';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import { freePort } from '../../support/free-port.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeAuthority, makeIdentity } from '../../support/server-identity.js';
import {
  serveHttps,
  servePlain,
  serveTcp,
  type TestServer,
  type TestServerOptions,
  tokenFor,
} from '../../support/servers/hostile-server.js';
import { relayTo } from '../../support/servers/local-server.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';

async function greeter(options: TestServerOptions = {}, date?: Date | null): Promise<TestServer> {
  const server = await serveHttps((_request, _incoming, response) => {
    if (date === null) response.sendDate = false;
    if (date) response.setHeader('date', date.toUTCString());
    response.end('hello');
  }, options);
  return releaseAfterTest(server);
}

/** The answer's text, or the error of a redemption. */
async function redeem(token: AccessToken, options: Partial<ServiceConnectionOptions> = {}): Promise<unknown> {
  const client = createRedemptionClient({ clock: Date.now, timeoutMs: 5_000, ...options });
  return client
    .redeem({ token, name: 'my-link', subject: 'west', csrDer: Uint8Array.of(1, 2, 3) })
    .catch((error: unknown) => error);
}

async function failure(
  token: AccessToken,
  options: Partial<ServiceConnectionOptions> = {},
): Promise<RedemptionError> {
  const error = await redeem(token, options);
  expect(error).toBeInstanceOf(RedemptionError);
  expect((error as RedemptionError).message).not.toContain(token.code);
  return error as RedemptionError;
}

describe('a connection to a redemption service', () => {
  test("accepts a server whose certificate the token's CA signed, by address and by name", async () => {
    const server = await greeter();
    expect(await redeem(server.token)).toBe('hello');
    expect(await redeem({ ...server.token, url: `https://localhost:${server.port}/x` })).toBe('hello');
  });

  test('sends the host of the URL as SNI, and none for an address', async () => {
    const server = releaseAfterTest(
      await serveHttps((_request, { socket }, response) => {
        response.end(String((socket as TLSSocket).servername));
      }),
    );
    expect(await redeem({ ...server.token, url: `https://localhost:${server.port}/x` })).toBe('localhost');
    expect(await redeem(server.token)).toBe('false');
  });

  test('reports a name that cannot be resolved', async () => {
    const token = { ...(await greeter()).token, url: 'https://no-such-host.invalid/x' };
    const error = await failure(token);
    expect(error.code).toBe('dns');
    expect(error.message).toContain('no-such-host.invalid');
  });

  test('is not made to a forbidden address, by any name', async () => {
    const server = await greeter();
    const mayReach = (address: string) => address !== '127.0.0.1' && address !== '::1';
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433']) {
      const token = { ...server.token, url: `https://${host}:${server.port}/x` };
      expect((await failure(token, { mayReach })).code, host).toBe('address_refused');
    }
    expect(server.connections()).toBe(0);
    expect(await redeem(server.token, { mayReach: (address) => address === '127.0.0.1' })).toBe('hello');
  });

  test('reports a port without a listener', async () => {
    const port = await freePort();
    const { ca } = await makeIdentity();
    const error = await failure(tokenFor(port, ca));
    expect(error.code).toBe('connection_refused');
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test('reports a server that accepts the connection and sends nothing', async () => {
    const server = releaseAfterTest(await serveTcp(() => undefined));
    expect((await failure(server.token, { timeoutMs: 300 })).code).toBe('connection_timeout');
  });

  test('reports a server that closes the connection at once', async () => {
    const server = releaseAfterTest(await serveTcp((socket) => socket.destroy()));
    expect((await failure(server.token)).code).toBe('connection_refused');
  });

  test('reports a server without TLS, and sends it no code', async () => {
    const server = releaseAfterTest(await servePlain((_request, response) => response.end('hello')));
    expect((await failure(server.token)).code).toBe('not_https');
    expect(server.seen).toEqual([]);
  });

  test('reports a server that supports TLS 1.2 at most', async () => {
    const server = await greeter({ maxVersion: 'TLSv1.2' });
    const error = await failure(server.token);
    expect(error.code).toBe('not_https');
    expect(error.message).toContain('TLS 1.3');
  });

  test('reports a certificate of another CA', async () => {
    const server = await greeter();
    const { ca } = await makeIdentity();
    expect((await failure({ ...server.token, ca })).code).toBe('tls_untrusted');
    expect(server.seen).toEqual([]);
  });

  test('accepts the server certificate itself in place of its CA', async () => {
    const identity = await makeIdentity();
    const server = await greeter({ identity });
    expect(await redeem({ ...server.token, ca: identity.cert })).toBe('hello');
  });

  test('reports the names in the certificate when the requested one is not among them', async () => {
    const server = await greeter({
      identity: await makeIdentity({ hosts: ['grants.example.com', '10.1.2.3'] }),
    });
    const error = await failure(server.token);
    expect(error.code).toBe('tls_name');
    expect(error.message).toContain('grants.example.com');
    expect(error.message).toContain('10.1.2.3');
    expect(server.seen).toEqual([]);
  });
});

test('a certificate that repeats its names is described with each name once', () => {
  const cert = {
    subjectaltname: 'DNS:grants.example.com, DNS:10.1.2.3, IP Address:10.1.2.3, DNS:grants.example.com',
  };
  const error = Object.assign(new Error('altname'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID', cert });
  expect(tlsFailure(error, { host: 'other.example.com', port: 443 })).toMatchObject({
    code: 'tls_name',
    message:
      'The certificate of other.example.com:443 is not for other.example.com, but for grants.example.com, 10.1.2.3.',
  });
});

describe("a server certificate that is not valid by the client's clock", () => {
  const expired = () => makeIdentity({ issuedAt: Date.now() - 3 * DAY_MS });
  const early = () => makeIdentity({ issuedAt: Date.now() + 3 * DAY_MS });

  test("is reported as a wrong client clock if the certificate is valid by the server's time", async () => {
    const past = await greeter({ identity: await expired() }, new Date(Date.now() - 2.5 * DAY_MS));
    const pastError = await failure(past.token);
    expect(pastError.code).toBe('clock_skew');
    expect(pastError.message).toContain(new Date(Date.now() - 2.5 * DAY_MS).toISOString().slice(0, 10));
    const future = await greeter({ identity: await early() }, new Date(Date.now() + 3.5 * DAY_MS));
    expect((await failure(future.token)).code).toBe('clock_skew');
  });

  test('is refused when the server has the same time', async () => {
    const server = await greeter({ identity: await expired() });
    const error = await failure(server.token);
    expect(error.code).toBe('tls_untrusted');
    expect(error.message).toContain('expired at');
    expect((await failure((await greeter({ identity: await early() })).token)).code).toBe('tls_untrusted');
  });

  test('is reported as untrusted if expired, and as a wrong client clock if early, when the server sends no time', async () => {
    expect((await failure((await greeter({ identity: await expired() }, null)).token)).code).toBe(
      'tls_untrusted',
    );
    expect((await failure((await greeter({ identity: await early() }, null)).token)).code).toBe('clock_skew');
  });

  test('is reported as untrusted if another CA signed it, at any time of the server', async () => {
    const server = await greeter({ identity: await expired() }, new Date(Date.now() - 2.5 * DAY_MS));
    const { bundlePem } = await makeAuthority('Other CA');
    expect((await failure({ ...server.token, ca: bundlePem })).code).toBe('tls_untrusted');
  });

  test('is reported as a refused connection when the server closes the connection that reads its time', async () => {
    const server = await greeter({ identity: await expired() });
    let connections = 0;
    const forwarder = releaseAfterTest(
      await serveTcp((socket) => {
        connections += 1;
        if (connections > 1) socket.destroy();
        else relayTo(server.port, socket);
      }),
    );
    const connectTo = [{ toHost: '127.0.0.1', toPort: forwarder.port }];
    expect((await failure(server.token, { connectTo })).code).toBe('connection_refused');
    expect(connections).toBe(2);
  });

  test('never makes the client send the code', async () => {
    const server = await greeter({ identity: await expired() }, new Date(Date.now() - 2.5 * DAY_MS));
    await failure(server.token);
    expect(server.seen.map(({ method, body }) => `${method} ${body}`)).toEqual(['HEAD ']);
    expect(JSON.stringify(server.seen)).not.toContain(server.token.code);
  });
});

describe('a proxy', () => {
  test('is not used for a forbidden address, and resolves names itself', async () => {
    const server = await greeter();
    const proxy = releaseAfterTest(await startProxy());
    const options = { proxy: `http://127.0.0.1:${proxy.port}`, mayReach: () => false };
    expect((await failure(server.token, options)).code).toBe('address_refused');
    expect(proxy.connectRequests).toEqual([]);
    const named = { ...server.token, url: `https://localhost:${server.port}/x` };
    expect(await redeem(named, options)).toBe('hello');
  });

  test('gets CONNECT requests with the user and password of its URL', async () => {
    const server = await greeter();
    const proxy = releaseAfterTest(await startProxy());
    const options = { proxy: `http://me:s%40crt@127.0.0.1:${proxy.port}` };
    expect(await redeem(server.token, options)).toBe('hello');
    const authorization = `Basic ${Buffer.from('me:s@crt').toString('base64')}`;
    expect(proxy.connectRequests).toEqual([{ target: `127.0.0.1:${server.port}`, authorization }]);
  });

  test('is not used for hosts in NO_PROXY', async () => {
    const server = await greeter();
    const options = { proxy: `http://127.0.0.1:${await freePort()}`, noProxy: 'example.com, 127.0.0.0/8' };
    expect(await redeem(server.token, options)).toBe('hello');
  });

  test.each([
    [407, 'user and password'],
    [403, 'refused'],
    [502, 'refused'],
  ])('is reported if it answers CONNECT with %i', async (refuse, why) => {
    const server = await greeter();
    const proxy = releaseAfterTest(await startProxy({ refuse }));
    const error = await failure(server.token, { proxy: `http://me:secret@127.0.0.1:${proxy.port}` });
    expect(error.code).toBe('proxy');
    expect(error.message).toContain(String(refuse));
    expect(error.message).toContain(why);
    expect(error.message).not.toContain('secret');
    expect(server.connections()).toBe(0);
  });

  test('is named in the error if it cannot be reached', async () => {
    const server = await greeter();
    const port = await freePort();
    const error = await failure(server.token, { proxy: `127.0.0.1:${port}` });
    expect(error.code).toBe('proxy');
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test('is reported if it sends nothing, or no HTTP', async () => {
    const server = await greeter();
    const silent = releaseAfterTest(await serveTcp(() => undefined));
    expect(
      (await failure(server.token, { proxy: `http://127.0.0.1:${silent.port}`, timeoutMs: 300 })).code,
    ).toBe('proxy');
    const other = releaseAfterTest(
      await serveTcp((socket) => socket.end('220 mail.example.com ESMTP\r\n\r\n')),
    );
    expect(await failure(server.token, { proxy: `http://127.0.0.1:${other.port}` })).toMatchObject({
      code: 'proxy',
      message: expect.stringContaining('does not answer like an HTTP proxy'),
    });
  });

  test('is refused if it answers CONNECT with endless informational responses', async () => {
    const server = await greeter();
    const endless = releaseAfterTest(
      await serveTcp((socket) => {
        const send = () =>
          socket.write(
            'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100),
            (error) => error || setImmediate(send),
          );
        socket.on('error', () => undefined).once('data', send);
      }),
    );
    const error = await failure(server.token, { proxy: `http://127.0.0.1:${endless.port}` });
    expect(error.message).toContain('refused');
    expect(error.message).toContain('103');
  });

  test('must have a certificate of a CA that Node trusts if its URL is https', async () => {
    const server = await greeter();
    const proxy = releaseAfterTest(await startProxy({ identity: await makeIdentity() }));
    expect((await failure(server.token, { proxy: `https://127.0.0.1:${proxy.port}` })).code).toBe('proxy');
    expect(proxy.connectRequests).toEqual([]);
  });

  test.each(['socks5://127.0.0.1:1080', 'http://', '::::'])('cannot be %s', async (proxy) => {
    expect((await failure((await greeter()).token, { proxy })).code).toBe('proxy');
  });
});

describe('--connect-to', () => {
  test('connects elsewhere, and verifies the certificate for the original host', async () => {
    const server = await greeter({ identity: await makeIdentity({ hosts: ['grants.example.com'] }) });
    const token = { ...server.token, url: 'https://grants.example.com:9090/x' };
    const toServer = { toHost: '127.0.0.1', toPort: server.port };
    expect(
      await redeem(token, { connectTo: [{ host: 'GRANTS.example.com', port: 9090, ...toServer }] }),
    ).toBe('hello');
    expect(await redeem(token, { connectTo: [toServer] })).toBe('hello');
    const other = { ...token, url: 'https://other.example.com/x' };
    expect((await failure(other, { connectTo: [toServer] })).code).toBe('tls_name');
    expect(server.seen[0]?.headers.host).toBe('grants.example.com:9090');
  });
});

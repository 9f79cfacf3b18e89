import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import { createRenewalClient } from '../../../src/client/https-renewal-client.js';
import { readRouterLinks } from '../../../src/client/network-observer.js';
import { providerFetch } from '../../../src/client/provider-fetch.js';
import { postWebhook } from '../../../src/client/webhook-client.js';
import { CpuBudget, type RunWork } from '../../../src/time/cpu-budget.js';
import { releaseAfterTest } from '../../support/release.js';
import { serveBytes, serveTcp, type TestServer, tokenFor } from '../../support/servers/hostile-server.js';

const signal = new AbortController().signal;
const options = { clock: Date.now };
const KIB = 1024;

/** The requests to servers that may be hostile, and the limit of their responses in bytes. */
const REQUESTS: Record<string, readonly [limit: number, (server: TestServer) => Promise<unknown>]> = {
  'a redemption': [
    256 * KIB,
    ({ token }) =>
      createRedemptionClient(options).redeem({
        ...{ token, name: 'my-link', subject: 'west', csrDer: Uint8Array.of(1, 2, 3) },
      }),
  ],
  'a check': [256 * KIB, ({ token }) => createRedemptionClient(options).check(token)],
  'a renewal': [
    256 * KIB,
    ({ token: { url, ca } }) => createRenewalClient(options).renew({ url, ca: String(ca), request: 'x' }),
  ],
  'a webhook': [
    64 * KIB,
    ({ token: { url, ca } }) =>
      postWebhook(
        new URL(url),
        { headers: {}, body: '{}' },
        { ...options, allowPrivate: true, ca: String(ca) },
        signal,
      ),
  ],
  'an OIDC provider': [
    1024 * KIB,
    ({ token: { url, ca } }) => providerFetch(String(ca), '--issuer-ca', options)(url, { signal }),
  ],
  'a network observer': [
    16 * 1024 * KIB,
    ({ token: { url, ca } }) => readRouterLinks({ url: new URL(url), ca: String(ca) }, options, signal),
  ],
};
const NAMES = Object.keys(REQUESTS);
const requestOf = (name: string) => REQUESTS[name] as (typeof REQUESTS)[string];

const HEAD = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`;
const ONE_BYTE = chunk(1);

/** A server that sends these bytes as its response. */
const serve = async (text: string): Promise<TestServer> =>
  releaseAfterTest(await serveBytes((socket) => socket.end(text)));

/** The message of the failure of a request, and of its cause; empty if it succeeds. */
const failureOf = (request: Promise<unknown>): Promise<string> =>
  request.then(
    () => '',
    (error: Error) => `${error.message} ${(error.cause as Error | undefined)?.message ?? ''}`,
  );

afterEach(() => void vi.restoreAllMocks());

describe('the work for a response', () => {
  it.each(NAMES)('ends with the first excess chunk, however many follow in one read: %s', async (name) => {
    const [limit, request] = requestOf(name);
    const server = await serve(HEAD + chunk(limit) + ONE_BYTE.repeat(500));
    const copies = vi.spyOn(Buffer, 'concat');
    await failureOf(request(server));
    expect(
      copies.mock.calls.filter(([chunks]) => chunks.length > 1 && chunks[0]?.length).length,
    ).toBeLessThan(10);
  });

  it.each(NAMES)('ends with the first informational response: %s', async (name) => {
    const server = await serve(
      `${'HTTP/1.1 103 E\r\n\r\n'.repeat(5_000)}HTTP/1.1 204 OK\r\ncontent-length: 0\r\n\r\n`,
    );
    expect(await failureOf(requestOf(name)[1](server))).toContain('the connection broke');
  });

  // A response of 16 MiB in such chunks would have 96 MiB.
  it.each(NAMES.filter((name) => requestOf(name)[0] <= 1024 * KIB))(
    'ends when one-byte chunks need far more bytes than their body: %s',
    async (name) => {
      const [limit, request] = requestOf(name);
      const server = await serve(`${HEAD}${ONE_BYTE.repeat(limit - 1)}0\r\n\r\n`);
      expect(await failureOf(request(server))).toContain('the connection broke');
    },
  );

  it.each(['a webhook', 'an OIDC provider'])(
    'ends when the size of a chunk has far more digits than necessary, with TLS and without: %s',
    async (name) => {
      const text = `${HEAD}${'0'.repeat(3 * 1024 * KIB)}${ONE_BYTE}0\r\n\r\n`;
      const plain = releaseAfterTest(
        await serveTcp((socket) => socket.on('error', () => undefined).once('data', () => socket.end(text))),
      );
      for (const server of [await serve(text), { ...plain, token: tokenFor(plain.port, '', 'http') }])
        expect(await failureOf(requestOf(name)[1](server))).toContain('the connection broke');
    },
  );

  it('is no reason to refuse a response of the full size in chunks of 4 KiB', async () => {
    const server = await serve(`${HEAD}${chunk(4 * KIB).repeat(256)}0\r\n\r\n`);
    const response = await (requestOf('an OIDC provider')[1](server) as Promise<Response>);
    expect(await response.text()).toHaveLength(1024 * KIB);
  });

  it('runs within `runWork` to the end of the response', async () => {
    const worksFor = async (body: string): Promise<number> => {
      let works = 0;
      const runWork: RunWork = (work) => {
        works += 1;
        return work();
      };
      const { token } = await serve(HEAD + body);
      await failureOf(createRedemptionClient({ ...options, runWork }).check(token));
      return works;
    };
    // One read of a socket has at most 64 KiB.
    expect(await worksFor(ONE_BYTE.repeat(60_000))).toBeGreaterThanOrEqual((await worksFor(ONE_BYTE)) + 4);
  });

  it('is charged to the budget if all reads together take more than the free time', async () => {
    const server = releaseAfterTest(
      await serveBytes(async (socket) => {
        const write = (text: string) => new Promise<unknown>((resolve) => socket.write(text, resolve));
        await write(HEAD);
        for (let part = 0; part < 1_400 && !socket.destroyed; part += 1) await write(ONE_BYTE.repeat(50));
      }),
    );
    const budget = new CpuBudget({ budgetMs: 1, freeMs: 5 });
    const client = createRedemptionClient({ ...options, runWork: budget.startAttempt('west', () => 0) });
    expect(await failureOf(client.check(server.token))).toContain('the connection broke');
    expect(budget.waitMs('west', 0)).toBeGreaterThan(0);
  });

  it('includes the check of a response to `/-/check`, which runs within `runWork`', async () => {
    const failures: unknown[] = [];
    const runWork: RunWork = (work) => {
      try {
        return work();
      } catch (error) {
        failures.push(error);
        throw error;
      }
    };
    const { token } = await serve(`${HEAD}${chunk(3)}0\r\n\r\n`);
    await failureOf(createRedemptionClient({ ...options, runWork }).check(token));
    expect(failures).toMatchObject([{ code: 'answer_invalid' }]);
  });
});

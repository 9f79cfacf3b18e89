import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import type { AccessToken } from '../../../src/domain/access-token.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import { releaseAfterTest } from '../../support/release.js';
import {
  CODE,
  type SeenRequest,
  serveBytes,
  serveHttps,
  type TestServer,
} from '../../support/servers/hostile-server.js';

const client = createRedemptionClient({ clock: Date.now, timeoutMs: 5_000 });

async function redeem(token: AccessToken, redemptionClient = client): Promise<string> {
  const redemption = {
    token,
    name: 'my-link',
    subject: 'Köln',
    csrDer: Uint8Array.of(0x30, 0xff),
    renews: true,
  };
  return redemptionClient.redeem(redemption);
}

/** Returns the code of the error of `operation`. Fails if the error message contains the token's code. */
async function codeOf(operation: Promise<unknown>): Promise<string> {
  const error = await operation.then(
    (value) => new Error(`no failure but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RedemptionError);
  const failure = error as RedemptionError;
  expect(failure.message).not.toContain(CODE);
  return failure.code;
}

async function answering(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestServer> {
  return releaseAfterTest(
    await serveHttps((_request, _incoming, response) => {
      response.writeHead(status, headers).end(body);
    }),
  );
}

function trace(name: string): { status: number; body: string } {
  const read = (part: string) =>
    readFileSync(new URL(`../../fixtures/traces/${name}.${part}`, import.meta.url), 'utf8');
  return { status: Number(read('headers').split(' ')[1]), body: read('body') };
}

describe('the redemption request', () => {
  test('posts the code to the URL of the token, with name, subject in UTF-8 and CSR', async () => {
    const server = await answering(200, 'answer');
    const token = { ...server.token, url: `${server.token.url}/?query=1` };
    expect(await redeem(token)).toBe('answer');
    const [seen] = server.seen as [SeenRequest];
    expect(seen.method).toBe('POST');
    expect(seen.url).toBe(`${new URL(server.token.url).pathname}/?query=1`);
    expect(seen.body).toBe(CODE);
    expect(seen.headers).toMatchObject({
      name: 'my-link',
      csr: 'MP8=',
      renews: 'true',
      'content-length': String(CODE.length),
    });
    expect(Buffer.from(String(seen.headers.subject), 'latin1').toString('utf8')).toBe('Köln');
    expect(seen.headers.accept).toContain('application/problem+json');
  });

  test('never follows a redirect', async () => {
    const elsewhere = await answering(200, 'answer');
    const server = await answering(307, '', { location: `${elsewhere.token.url}?${CODE}` });
    expect(await codeOf(redeem(server.token))).toBe('redirect');
    expect(elsewhere.seen).toEqual([]);
  });

  test.each([
    ['after the headers', (text: string) => text.slice(0, text.indexOf('\r\n\r\n') + 4)],
    ['within the headers', (text: string) => text.slice(0, 30)],
    ['in the middle of the body', (text: string) => text.slice(0, -20)],
    ['before its first byte', () => ''],
  ])('has an unknown outcome when the response is cut %s', async (_where, cut) => {
    const whole = `HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n${'x'.repeat(40)}`;
    const ended = releaseAfterTest(await serveBytes((socket) => socket.end(cut(whole))));
    expect(await codeOf(redeem(ended.token))).toBe('outcome_unknown');
    const reset = releaseAfterTest(
      await serveBytes((socket) => socket.write(cut(whole) || ' ', () => socket.destroy())),
    );
    expect(await codeOf(redeem(reset.token))).toBe('outcome_unknown');
  });

  test('has an unknown outcome when a chunked response ends without its last chunk', async () => {
    const server = releaseAfterTest(
      await serveBytes((socket) =>
        socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n'),
      ),
    );
    expect(await codeOf(redeem(server.token))).toBe('outcome_unknown');
  });

  test('has an unknown outcome when the response is not HTTP', async () => {
    const server = releaseAfterTest(await serveBytes((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
    expect(await codeOf(redeem(server.token))).toBe('outcome_unknown');
  });

  test('has an unknown outcome when the response arrives byte by byte until the time limit', async () => {
    const server = releaseAfterTest(
      await serveBytes((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 20);
        socket.once('close', () => clearInterval(drip));
      }),
    );
    // Long enough for a connection on a busy machine: only the response is to be late.
    const hasty = createRedemptionClient({ clock: Date.now, timeoutMs: 3_000 });
    expect(await codeOf(redeem(server.token, hasty))).toBe('outcome_unknown');
  });

  test('refuses a response of more than 256 KiB, or that is not UTF-8', async () => {
    expect(await codeOf(redeem((await answering(200, 'x'.repeat(256 * 1024 + 1))).token))).toBe(
      'answer_invalid',
    );
    expect(await redeem((await answering(200, 'x'.repeat(256 * 1024))).token)).toHaveLength(256 * 1024);
    const server = releaseAfterTest(
      await serveBytes((socket) =>
        socket.end(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe', 'latin1')),
      ),
    );
    expect(await codeOf(redeem(server.token))).toBe('answer_invalid');
  });
});

describe('the code of a refusal', () => {
  test.each([
    ['wrong-code', 'code_wrong'],
    ['expired', 'grant_unknown'],
    ['spent', 'grant_exhausted'],
    ['get', 'method_not_allowed'],
    ['bad-expiration', 'internal'],
    ['site-no-endpoints', 'link_access_unavailable'],
    ['site-edge', 'edge_site'],
    ['site-no-ca', 'issuer_unavailable'],
  ])('is read from the Skupper response recorded as %s: %s', async (name, code) => {
    const { status, body } = trace(name);
    expect(await codeOf(redeem((await answering(status, body)).token))).toBe(code);
  });

  test('is read from its problem document', async () => {
    const problem = JSON.stringify({
      type: 'about:blank',
      title: 'No such claim',
      status: 404,
      code: 'grant_expired',
    });
    const server = await answering(404, problem, { 'content-type': 'application/problem+json' });
    expect(await codeOf(redeem(server.token))).toBe('grant_expired');
  });

  test('is read from its linkgrant-reason header, and the message contains the Retry-After time', async () => {
    const headers = { 'linkgrant-reason': 'policy_name', 'retry-after': '7' };
    const server = await answering(403, 'Redemption of access token refused\n', headers);
    await expect(redeem(server.token)).rejects.toThrow('Retry in 7s.');
    expect(await codeOf(redeem(server.token))).toBe('policy_name');
  });

  test.each([
    ['a code that does not exist', '{"code":"toString"}'],
    ['a code that is no text', '{"code":["code_wrong"]}'],
    ['no JSON', '{'],
    ['null', 'null'],
  ])('is service_unavailable if its problem document has %s', async (_what, body) => {
    const server = await answering(404, body, { 'content-type': 'application/problem+json' });
    expect(await codeOf(redeem(server.token))).toBe('service_unavailable');
  });

  test.each([
    ['store_unavailable', 503, 'Internal error\n'],
    ['service_unavailable', 404, '<html><body><h1>404 Not Found</h1>nginx</body></html>'],
    ['service_unavailable', 404, 'No such claim, says the ingress'],
    ['service_unavailable', 404, ''],
    ['service_unavailable', 403, '<html>Access denied</html>'],
    ['service_unavailable', 401, ''],
    ['outcome_unknown', 500, '<html>bad gateway</html>'],
    ['outcome_unknown', 502, '<html>bad gateway</html>'],
    ['outcome_unknown', 503, '<html>bad gateway</html>'],
    ['outcome_unknown', 504, '<html>bad gateway</html>'],
    ['overloaded', 429, 'slow down'],
  ])(
    'is %s for status %i and the body %j of a Skupper server or an intermediary',
    async (code, status, body) => {
      expect(await codeOf(redeem((await answering(status, body)).token))).toBe(code);
    },
  );
});

describe('the check request', () => {
  const answer = {
    state: 'exhausted',
    redemptions: 1,
    redemptionsAllowed: 1,
    expirationTime: '2026-11-24T22:59:27.000Z',
    link: { endpoints: [{ name: 'edge', host: '::1', port: '45671', group: 'a', extra: 'dropped' }] },
    policy: { 'linkgrant/subjects': 'a-*,b', 'linkgrant/of-the-future': '1' },
    serverTime: '2026-11-24T22:00:00.000Z',
  };

  test('posts the code to the path /-/check below the URL of the token, and reads the state of the grant', async () => {
    const server = await answering(200, JSON.stringify(answer));
    expect(await client.check({ ...server.token, url: `${server.token.url}/` })).toEqual({
      state: 'exhausted',
      redemptions: 1,
      redemptionsAllowed: 1,
      expirationTime: Date.parse(answer.expirationTime),
      endpoints: [{ name: 'edge', host: '::1', port: '45671', group: 'a' }],
      policy: { subjects: ['a-*', 'b'] },
      serverTime: Date.parse(answer.serverTime),
    });
    expect(server.seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', `${new URL(server.token.url).pathname}/-/check`, CODE],
    ]);
  });

  test('accepts a response without rules', async () => {
    const server = await answering(200, JSON.stringify({ ...answer, policy: undefined }));
    expect(await client.check(server.token)).toMatchObject({ policy: {} });
  });

  test("recognizes Skupper's 404 as a Skupper server, and a problem document as linkgrant", async () => {
    const { status, body } = trace('wrong-path');
    expect(await client.check((await answering(status, body)).token)).toBe('stock');
    const problem = await answering(404, '{"code":"grant_unknown"}', {
      'content-type': 'application/problem+json',
    });
    expect(await codeOf(client.check(problem.token))).toBe('grant_unknown');
  });

  test('fails with service_unavailable if an intermediary answers, or if the response is lost', async () => {
    expect(await codeOf(client.check((await answering(404, '<html></html>')).token))).toBe(
      'service_unavailable',
    );
    expect(await codeOf(client.check((await answering(502, 'bad gateway')).token))).toBe(
      'service_unavailable',
    );
    const lost = releaseAfterTest(await serveBytes((socket) => socket.destroy()));
    expect(await codeOf(client.check(lost.token))).toBe('service_unavailable');
  });

  test.each([
    ['no JSON', '<html>'],
    ['a list', '[]'],
    ['an unknown state', JSON.stringify({ ...answer, state: 'great' })],
    ['a negative count', JSON.stringify({ ...answer, redemptions: -1 })],
    ['an invalid time', JSON.stringify({ ...answer, serverTime: 'soon' })],
    ['an unsupported rule value', JSON.stringify({ ...answer, policy: { 'linkgrant/key-types': 'p521' } })],
    ['rules that are no map', JSON.stringify({ ...answer, policy: ['linkgrant/names=a'] })],
    ['no link', JSON.stringify({ ...answer, link: null })],
    [
      'a hostile host',
      JSON.stringify({ ...answer, link: { endpoints: [{ ...answer.link.endpoints[0], host: 'a b' }] } }),
    ],
  ])('refuses an answer with %s', async (_what, body) => {
    expect(await codeOf(client.check((await answering(200, body)).token))).toBe('answer_invalid');
  });
});

import { describe, expect, it } from 'vitest';
import { requestsFor } from '../support/grant-requests.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService } from '../support/service.js';
import { exchange, exchangeBytes, parseResponse, type WireResponse } from '../support/wire.js';

/** Sends bytes, and expects exactly one response, with this status. */
async function expectOneResponse(bytes: string, status: number): Promise<WireResponse> {
  const received = await exchangeBytes(service, bytes);
  expect(received.toString().match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
  const response = parseResponse(received);
  expect(response.status).toBe(status);
  return response;
}

const service = releaseAfterFile(await composeTestService());
const created = await service.storedGrant({ redemptionsAllowed: 1_000 });
const { head, completeRequest, expectNoUse } = requestsFor(service, created);

describe('a request whose end is ambiguous or wrong', () => {
  it.each([
    ['both framings', ['Transfer-Encoding: chunked', `Content-Length: ${created.code.length}`]],
    ['both framings, the other way round', ['Content-Length: 24', 'Transfer-Encoding: chunked']],
    ['two lengths', ['Content-Length: 24', 'Content-Length: 25']],
    ['the same length twice', ['Content-Length: 24', 'Content-Length: 24']],
    ['a list of lengths', ['Content-Length: 24, 24']],
    ['a signed length', ['Content-Length: +24']],
    ['a length in hex', ['Content-Length: 0x18']],
    ['an endless length', [`Content-Length: ${'9'.repeat(40)}`]],
    ['another transfer coding', ['Transfer-Encoding: gzip']],
    ['chunked before another coding', ['Transfer-Encoding: chunked, gzip']],
    ['chunked after another coding', ['Transfer-Encoding: gzip, chunked']],
    ['chunked, with white space before the colon', ['Transfer-Encoding : chunked']],
    ['an unknown transfer coding', ['Transfer-Encoding: xchunked']],
  ])('ambiguous framing (%s) is refused with one response, and spends no use', async (_what, framing) => {
    const bytes = `${head(framing)}\r\n${created.code}${completeRequest()}`;
    await expectNoUse(() => expectOneResponse(bytes, 400));
  });

  it.each(['zz\r\nx\r\n', '18 \r\nx', '-1\r\nx', 'fffffffffffffffff\r\nx', '5\r\nabcdefgh\r\n'])(
    'the malformed chunk %j is refused',
    async (chunk) => {
      await expectNoUse(async () => {
        const request = `${head(['Transfer-Encoding: chunked'])}\r\n${chunk}\r\n0\r\n\r\n`;
        expect((await exchange(service, request)).status).toBe(400);
      });
    },
  );

  it.each(['gzip, chunked', 'chunked, chunked', 'identity'])(
    'the transfer coding %s with valid chunks is refused',
    async (coding) => {
      const chunks = `${created.code.length.toString(16)}\r\n${created.code}\r\n0\r\n\r\n`;
      const bytes = `${head([`Transfer-Encoding: ${coding}`])}\r\n${chunks}`;
      await expectNoUse(() => expectOneResponse(bytes, 400));
    },
  );

  it('gets one response: a second request on the connection is ignored', async () => {
    const before = (await service.used(created.grant.uid)) ?? 0;
    const bytes = `${completeRequest()}${completeRequest()}${completeRequest()}`;
    redeemedAnswer(await expectOneResponse(bytes, 200));
    expect(await service.used(created.grant.uid)).toBe(before + 1);
  });

  it('gets its response even if invalid bytes follow the request', async () => {
    const bytes = await exchangeBytes(service, `${completeRequest()}\0\x01 invalid\r\n\r\n`);
    redeemedAnswer(parseResponse(bytes));
  });

  it('gets one response after a refusal too', async () => {
    const bytes = `${completeRequest([], 'not-the-code')}${completeRequest()}`;
    await expectNoUse(() => expectOneResponse(bytes, 403));
  });
});

it.each([
  ['with an invalid request target', 404, 'POST http://[::1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0'],
  [
    'of HTTP/1.0 with Connection: keep-alive',
    400,
    'POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0',
  ],
])('a request %s gets one response, and its connection is closed', async (_what, status, text) => {
  const { headers } = await expectOneResponse(`${text}\r\n\r\n${text}\r\n\r\n`, status);
  expect(headers.connection).toBe('close');
});

it('the service reads a CSR header after more than 2,000 other header lines', async () => {
  const { grant, code } = created;
  const lines = ['Host: h', ...Array<string>(2_100).fill('a:'), `csr: ${csrHeader().csr}`];
  const request = `POST /${grant.uid} HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: ${code.length}\r\n\r\n${code}`;
  expect(redeemedAnswer(await exchange(service, request)).key).toBeUndefined();
});

it('the Strict-Transport-Security header does not include subdomains', async () => {
  const { headers } = await exchange(service, completeRequest([], 'not-the-code'));
  expect(headers['strict-transport-security']).toMatch(/^max-age=\d+$/);
});

describe('an invalid HTTP request', () => {
  it.each([
    ['random bytes', '\x16\x03\x01\x02\x00'],
    ['HTTP/2 without TLS negotiation', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['another version', 'POST / HTTP/3.0\r\nHost: h\r\n\r\n'],
    ['no Host', 'POST / HTTP/1.1\r\n\r\n'],
    ['no Host, and a body', 'POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody'],
    [
      'no Host, and a body in chunks',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
    ],
    ['no Host, and a broken body', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['an unknown method', 'REDEEM / HTTP/1.1\r\nHost: h\r\n\r\n'],
  ])('an invalid request (%s) gets one 400, and the connection is closed', async (_what, bytes) => {
    await expectOneResponse(bytes, 400);
  });

  it.each(['HTTP/0.9', 'HTTP/1.0', 'HTTP/2.0', 'RTSP/1.0'])(
    'a redemption by %s gets one 400, and no use is counted',
    async (version) => {
      const bytes = completeRequest().replace('HTTP/1.1', version);
      await expectNoUse(() => expectOneResponse(bytes, 400));
    },
  );

  it('a redemption with two Host lines gets one 400, and no use is counted', async () => {
    const bytes = completeRequest(['host: other.example.com']);
    await expectNoUse(() => expectOneResponse(bytes, 400));
  });

  it.each(['CONNECT grants.example.com:443', 'TRACE /', 'PATCH /', 'QUERY /'])(
    'the request line %s opens no tunnel and is not echoed',
    async (line) => {
      const bytes = await exchangeBytes(service, `${line} HTTP/1.1\r\nHost: h\r\nx-echo: marker\r\n\r\n`);
      if (bytes.length > 0) expect([400, 405]).toContain(parseResponse(bytes).status);
      expect(bytes.toString()).not.toContain('marker');
    },
  );

  it('an upgrade to HTTP/2 is ignored, and the request is answered', async () => {
    const lines = ['Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];
    redeemedAnswer(await exchange(service, completeRequest(lines)));
  });
});

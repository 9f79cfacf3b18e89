import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { requestsFor } from '../support/grant-requests.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService } from '../support/service.js';
import { until } from '../support/until.js';
import { exchange, exchangeEndless, openWire, parseResponse } from '../support/wire.js';

const NOT_VALID = 'Request body not valid\n';

const service = releaseAfterFile(await composeTestService());
const created = await service.storedGrant({ redemptionsAllowed: 1_000 });
const { head, completeRequest, expectNoUse } = requestsFor(service, created);
/** A service for the tests that wait for its time limits. */
const hasty = releaseAfterFile(await composeTestService({ bodyTimeoutMs: 300, headersTimeoutMs: 500 }));
const late = requestsFor(hasty, await hasty.storedGrant());

describe('a request body', () => {
  it('a body of 4,096 bytes is read, and one of 4,097 bytes is too large', async () => {
    const longest = await exchange(service, completeRequest([], 'c'.repeat(4_096)));
    expect(longest.status).toBe(403);
    const longer = await exchange(service, completeRequest([], 'c'.repeat(4_097)));
    expect([longer.status, longer.body]).toEqual([413, NOT_VALID]);
  });

  it('a chunked body is read like any other body', async () => {
    const [first, rest] = [created.code.slice(0, 5), created.code.slice(5)];
    const chunks = `5\r\n${first}\r\n${rest.length.toString(16)};x=y\r\n${rest}\r\n0\r\nTrailer: x\r\n\r\n`;
    redeemedAnswer(await exchange(service, `${head(['Transfer-Encoding: chunked'])}\r\n${chunks}`));
  });

  it('a chunked body of 4,097 bytes is too large', async () => {
    const chunks = `1\r\nc\r\n1000\r\n${'c'.repeat(4_096)}\r\n0\r\n\r\n`;
    const answer = await exchange(service, `${head(['Transfer-Encoding: chunked'])}\r\n${chunks}`);
    expect([answer.status, answer.body]).toEqual([413, NOT_VALID]);
  });

  it('a body without an end gets a response, and is not read forever', async () => {
    const piece = `10000\r\n${'c'.repeat(65_536)}\r\n`;
    const answer = await exchangeEndless(
      service,
      `${head(['Transfer-Encoding: chunked'])}\r\n`,
      piece,
      Number.POSITIVE_INFINITY,
    );
    expect([answer.status, answer.body, answer.headers.connection]).toEqual([413, NOT_VALID, 'close']);
  });

  it.each([
    ['nothing', ''],
    ['only a part', 'halfacode'],
  ])('a body of which %s arrives times out, and spends no use', async (_part, sent) => {
    const request = `${late.head(['Content-Length: 24'])}\r\n${sent}`;
    const answer = await late.expectNoUse(() => exchange(hasty, request));
    expect([answer.status, answer.body]).toEqual([408, NOT_VALID]);
  });

  it('a body that arrives slowly byte by byte times out', async () => {
    const wire = await openWire(hasty);
    wire.send(`${late.head(['Content-Length: 4000'])}\r\n`);
    while (wire.received.length === 0) {
      wire.send('c');
      await sleep(50);
    }
    wire.socket.destroy();
    expect(parseResponse(await wire.ended).status).toBe(408);
  });

  it('a body that ends early spends no use', async () => {
    await expectNoUse(async () => {
      const wire = await openWire(service);
      wire.send(`${head(['Content-Length: 25'])}\r\n${created.code}`);
      wire.socket.end();
      await wire.ended;
    });
  });

  it('a request with Expect: 100-continue gets 100 Continue before its body', async () => {
    const wire = await openWire(service);
    wire.send(`${head(['Expect: 100-continue', `Content-Length: ${created.code.length}`])}\r\n`);
    await until(() => wire.received.length > 0);
    expect(Buffer.concat(wire.received).toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    wire.send(created.code);
    redeemedAnswer(parseResponse((await wire.ended).subarray('HTTP/1.1 100 Continue\r\n\r\n'.length)));
  });

  it('a body that is declared as compressed is read as it is', async () => {
    redeemedAnswer(
      await exchange(service, completeRequest(['Accept-Encoding: gzip, br', 'Content-Encoding: gzip'])),
    );
  });
});

describe('request headers', () => {
  it('headers without an end time out, and the connection is closed', async () => {
    const answer = await exchange(hasty, 'POST / HTTP/1.1\r\nHost: grants.exam');
    expect(answer.status).toBe(408);
  });

  it('headers that arrive slowly line by line time out', async () => {
    const wire = await openWire(hasty);
    wire.send('POST / HTTP/1.1\r\n');
    for (let line = 0; wire.received.length === 0; line += 1) {
      wire.send(`x-${line}: y\r\n`);
      await sleep(50);
    }
    expect(parseResponse(await wire.ended).status).toBe(408);
  });

  it.each([
    ['one header of 20 KB', [`x: ${'y'.repeat(20_000)}`]],
    ['a thousand headers', Array.from({ length: 1_000 }, (_, at) => `x-${at}: ${'y'.repeat(20)}`)],
  ])('headers that are too large (%s) are refused', async (_what, lines) => {
    const answer = await exchange(service, `${head(lines)}\r\n`);
    expect(answer.status).toBe(431);
  });

  it.each([
    ['NUL in the name', 'name: my\0link'],
    ['NUL in the subject', 'subject: a\0b'],
    ['a lone CR in the subject', 'subject: a\rb'],
    ['a lone LF in the subject', 'subject: a\nb'],
    ['a control character in the subject', 'subject: a\x07b'],
    ['DEL in the subject', 'subject: a\x7fb'],
    ['a folded subject', 'subject: a\r\n b'],
    ['white space before the colon', 'name : my-link'],
    ['a header without a colon', 'name'],
    ['a header without a name', ': my-link'],
  ])('headers with %s are refused, and spend no use', async (_what, line) => {
    const answer = await expectNoUse(() => exchange(service, completeRequest([line])));
    expect([answer.status, answer.headers.connection]).toEqual([400, 'close']);
  });

  it.each([
    ['name', ['name: a', 'name: a']],
    ['subject', ['subject: a', 'Subject: b']],
    ['csr', [`csr: ${csrHeader().csr}`]],
    ['renews', ['renews: true', 'renews: true']],
  ])('headers that repeat %s are refused, and spend no use', async (_name, lines) => {
    const answer = await expectNoUse(() => exchange(service, completeRequest(lines)));
    expect([answer.status, answer.body]).toEqual([400, NOT_VALID]);
  });

  it('a header with the name __proto__ is ignored', async () => {
    redeemedAnswer(await exchange(service, completeRequest(['__proto__: x', '__proto__: y'])));
  });

  it('empty headers count as absent', async () => {
    const answer = redeemedAnswer(await exchange(service, completeRequest(['name:', 'subject:  '])));
    expect(answer.secret.metadata.name).toBe(created.grant.name);
    expect(answer.x509.subject).toBe(`CN=${created.grant.name}`);
  });

  it.each(['é', '../../etc/passwd'])('the link name %s is refused, and spends no use', async (name) => {
    const answer = await expectNoUse(() =>
      exchange(service, Buffer.from(completeRequest([`name: ${name}`]))),
    );
    expect([answer.status, answer.body]).toEqual([400, NOT_VALID]);
  });

  it.each(['Zürich', 'città', '東京 7', 'a, b=c/../x', '🛰', 'x'.repeat(253)])(
    'the subject %s in UTF-8 is accepted, and the ledger stores it completely',
    async (subject) => {
      const answer = await exchange(service, Buffer.from(completeRequest([`subject: ${subject}`])));
      const { redemptionId, x509 } = redeemedAnswer(answer);
      expect(await service.store.findRedemption(redemptionId)).toMatchObject({ subject });
      expect(x509.toLegacyObject().subject.CN).toBe([...subject].slice(0, 64).join(''));
    },
  );

  it.each([
    ['a Latin-1 character', Buffer.from([0x5a, 0xfc])],
    ['a truncated UTF-8 sequence', Buffer.from([0xe6, 0x9d])],
    ['an overlong form', Buffer.from([0xc0, 0xaf])],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
  ])('a subject with %s is refused, and spends no use', async (_what, subject) => {
    const [before, after] = completeRequest(['subject: HERE']).split('HERE') as [string, string];
    const bytes = Buffer.concat([Buffer.from(before), subject, Buffer.from(after)]);
    const answer = await expectNoUse(() => exchange(service, bytes));
    expect([answer.status, answer.body]).toEqual([400, NOT_VALID]);
  });

  it.each(['!', 'AAA', 'AAAA====', 'A'.repeat(5_468), Buffer.alloc(4_097).toString('base64')])(
    'an invalid CSR (%#) is refused, and spends no use',
    async (csr) => {
      const lines = [`Content-Length: ${created.code.length}`];
      const request = `${head(lines, csr)}\r\n${created.code}`;
      const answer = await expectNoUse(() => exchange(service, request));
      expect(answer.status).toBe(400);
    },
  );
});

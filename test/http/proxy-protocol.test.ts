import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { metricOf } from '../support/operations.js';
import { binaryProxyHeader } from '../support/proxy-headers.js';
import { csrHeader, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { startTestService } from '../support/service.js';
import { closed, exchange, openTcp, openWire, post, type WireResponse } from '../support/wire.js';

const PROXY = '127.0.0.1';
const OTHER_PROXY = '127.0.0.2';
const STRANGER = '127.0.0.9';
const TLS_RECORD = Buffer.from([0x16, 0x03, 0x01]);

const trustedProxy = [PROXY, OTHER_PROXY, '198.51.100.0/24'];
const service = releaseAfterFile(await startTestService({ trustedProxy, proxyProtocol: true }));

const text = (client: string) => Buffer.from(`PROXY TCP4 ${client} 192.0.2.1 56324 9090\r\n`);
const binary = (client: string) => {
  const address = Buffer.from(client.split('.').map(Number)).toString('hex');
  return binaryProxyHeader(0x21, 0x11, `${address}c0000201dc042382`);
};
const LOCAL = binaryProxyHeader(0x20, 0x00, '');

/** Connects, and sends bytes before any TLS. */
async function open(before: Buffer, localAddress = PROXY): Promise<Socket> {
  const socket = await openTcp(service.port, localAddress);
  if (before.length > 0) socket.write(before);
  return socket;
}

/** Redeems a grant as a client whose connection begins with `header`. */
async function redeem(
  { grant, code }: CreatedGrant,
  header: Buffer,
  headers: Readonly<Record<string, string>> = csrHeader(),
): Promise<WireResponse> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /${grant.uid} HTTP/1.1\r\nHost: grants.example.com\r\nContent-Length: ${code.length}\r\n`;
  return exchange(service, `${head}${lines.join('')}\r\n${code}`, { socket: await open(header) });
}

const refusals = () => service.logged('proxy_header_refused');

describe('behind a load balancer that uses the PROXY protocol', () => {
  it.each([
    ['version 1', text],
    ['version 2', binary],
  ])('ledger, attempts and log contain the address of the client (%s)', async (_what, headerOf) => {
    const created = await service.grant();
    const { redemptionId } = redeemedAnswer(await redeem(created, headerOf('203.0.113.9')));
    expect(await service.store.findRedemption(redemptionId)).toMatchObject({ peer: '203.0.113.9' });
    expect(service.logged('redeemed').at(-1)).toMatchObject({ peer: '203.0.113.9' });
    await redeem(created, headerOf('203.0.113.10'));
    // An attempt is recorded after its answer.
    await expect
      .poll(() => service.store.listAttempts(created.grant.uid, 5))
      .toContainEqual(expect.objectContaining({ outcome: 'grant_exhausted', peer: '203.0.113.10' }));
  });

  it('the source address rule of a grant applies to the client, and X-Forwarded-For is ignored', async () => {
    const created = await service.storedGrant({ policy: { sourceCidrs: ['203.0.113.0/24'] } });
    const forwarded = { ...csrHeader(), 'x-forwarded-for': '203.0.113.9' };
    // The second client is in a network of trusted proxies too.
    for (const header of [text('192.0.2.77'), text('198.51.100.7'), LOCAL]) {
      const { headers } = await redeem(created, header, forwarded);
      expect(headers['linkgrant-reason']).toBe('policy_source');
    }
    redeemedAnswer(await redeem(created, text('203.0.113.9')));
  });

  it('an IPv4-mapped address matches the rule for its IPv4 address', async () => {
    const created = await service.storedGrant({ policy: { sourceCidrs: ['203.0.113.0/24'] } });
    const mapped = Buffer.from('PROXY TCP6 ::ffff:203.0.113.9 ::ffff:192.0.2.1 56324 9090\r\n');
    redeemedAnswer(await redeem(created, mapped));
  });

  it('each client has its own budget of log lines for wrong codes', async () => {
    const { grant } = await service.grant();
    const guess = { grant, code: 'wrong' };
    for (let count = 0; count < 62; count += 1) await redeem(guess, text('203.0.113.66'));
    await redeem(guess, text('203.0.113.67'));
    const limited = service.logged('unproven_limited').map(({ source }) => source);
    expect(limited.filter((source) => /^203\.0\.113\.6[67]$/.test(String(source)))).toEqual(['203.0.113.66']);
    expect(service.logged('refused').at(-1)).toMatchObject({ peer: '203.0.113.67' });
  });

  it('each client has its own limit of unproven connections', async () => {
    const neighbour = await open(text('203.0.113.81'));
    const sockets: Socket[] = [];
    for (let count = 0; count < 257; count += 1) sockets.push(await open(text('203.0.113.80')));
    await closed(sockets[0] as Socket);
    expect([neighbour, ...sockets.slice(1)].filter((socket) => socket.closed)).toEqual([]);
    for (const socket of [neighbour, ...sockets]) socket.destroy();
  });

  it.each([
    ['LOCAL', LOCAL],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
  ])('a connection without a client (%s) has the address of the proxy', async (_what, header) => {
    redeemedAnswer(await redeem(await service.grant(), header));
    expect(service.logged('redeemed').at(-1)).toMatchObject({ peer: PROXY });
  });

  it('a header that arrives byte by byte is read, and so is the handshake that follows in the same segment', async () => {
    const created = await service.grant();
    const socket = await open(Buffer.alloc(0));
    const header = binary('203.0.113.9');
    for (const byte of header.subarray(0, -1)) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    socket.cork();
    socket.write(header.subarray(-1));
    const { grant, code } = created;
    const request = `POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: ${code.length}\r\n\r\n${code}`;
    const answer = exchange(service, request, { socket });
    setImmediate(() => socket.uncork());
    redeemedAnswer(await answer);
    expect(service.logged('redeemed').at(-1)).toMatchObject({ peer: '203.0.113.9' });
  });
});

describe('a connection of a trusted proxy', () => {
  it('a connection without a header is closed, and the log names --proxy-protocol', async () => {
    const { grant, code } = await service.grant();
    const earlier = refusals().length;
    await expect(post(service, `/${grant.uid}`, code)).rejects.toThrow();
    const logged = () => refusals().slice(earlier);
    await expect.poll(logged).toMatchObject([{ level: 40, peer: PROXY, reason: 'missing' }]);
    expect(logged()[0]?.msg).toContain('--proxy-protocol');
  });

  it('connections without a header have at most 60 log lines a minute', async () => {
    for (let count = 0; count < 70; count += 1) await closed(await open(TLS_RECORD, OTHER_PROXY));
    const limited = () => service.logged('unproven_limited').filter(({ peer }) => peer === OTHER_PROXY);
    await expect.poll(limited).toHaveLength(1);
    expect(refusals().filter(({ peer }) => peer === OTHER_PROXY)).toHaveLength(60);
  });

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a text header with an invalid address', text('203.0.113.999')],
    ['two text headers', Buffer.concat([text('203.0.113.9'), text('203.0.113.9')])],
    ['a text and a binary header', Buffer.concat([text('203.0.113.9'), binary('203.0.113.9')])],
  ])('a connection that begins with %s is closed, and others stay open', async (_what, bytes) => {
    const other = await openWire(service, { socket: await open(text('203.0.113.9')) });
    await closed(await open(bytes));
    const { grant, code } = await service.grant();
    other.send(`POST /${grant.uid} HTTP/1.1\r\nHost: h\r\nContent-Length: ${code.length}\r\n\r\n${code}`);
    expect((await other.ended).toString()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a connection that ends within its header is closed', async () => {
    const before = refusals().length;
    const socket = await open(binary('203.0.113.9').subarray(0, -1));
    socket.end();
    await closed(socket);
    await expect.poll(() => refusals().slice(before)).toMatchObject([{ peer: PROXY, reason: 'incomplete' }]);
  });

  it('a connection that sends its header too slowly is closed, and other connections are served', async () => {
    const before = refusals().length;
    const silent = await open(Buffer.alloc(0));
    const slow = await open(text('203.0.113.9').subarray(0, 10));
    const dribbling = setInterval(() => slow.write('1'), 500);
    redeemedAnswer(await redeem(await service.grant(), text('203.0.113.9')));
    await Promise.all([closed(silent), closed(slow)]);
    clearInterval(dribbling);
    const timeout = { peer: PROXY, reason: 'timeout' };
    await expect.poll(() => refusals().slice(before)).toMatchObject([timeout, timeout]);
    redeemedAnswer(await redeem(await service.grant(), text('203.0.113.9')));
  });

  it('a connection that closes without sending anything, as a health check does, is not reported', async () => {
    const reported = refusals().length;
    const limited = () => metricOf(service, 'linkgrant_unproven_limited_total');
    const before = await limited();
    const probe = await open(Buffer.alloc(0));
    probe.end();
    await closed(probe);
    redeemedAnswer(await redeem(await service.grant(), text('203.0.113.9')));
    expect(refusals()).toHaveLength(reported);
    expect(await limited()).toBe(before);
  });
});

describe('a client that is not a trusted proxy', () => {
  it.each([
    ['version 1', text('203.0.113.9')],
    ['version 2', binary('203.0.113.9')],
  ])('cannot send a header (%s): its handshake fails', async (_what, header) => {
    const socket = await open(header, STRANGER);
    await expect(openWire(service, { socket })).rejects.toThrow();
  });

  it('is served without a header', async () => {
    const { grant, code } = await service.grant();
    redeemedAnswer(await post(service, `/${grant.uid}`, code, { from: STRANGER, headers: csrHeader() }));
    expect(service.logged('redeemed').at(-1)).toMatchObject({ peer: STRANGER });
  });
});

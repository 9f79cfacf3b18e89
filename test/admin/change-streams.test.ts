import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ChangeStreams, type StreamLimits } from '../../src/admin/api/change-streams.js';
import type { Administration } from '../../src/redemption/administration/administration.js';
import { type LocalServer, listenLocally } from '../support/servers/local-server.js';
import { until } from '../support/until.js';

let streams: ChangeStreams;
let server: LocalServer;
let reads: number;

/** Serves streams of a store that changes at each read, after `delay`; `size` is the length of a version. */
async function serve(limits: Partial<StreamLimits>, size = 1, delay?: Promise<void>): Promise<number> {
  reads = 0;
  return serveChanges(limits, async () => {
    reads += 1;
    await delay;
    return { version: `${reads}`.padEnd(size, '.'), changed: ['links'] };
  });
}

/** Serves streams of the changes that `readChanges` returns. */
async function serveChanges(
  limits: Partial<StreamLimits>,
  readChanges: Administration['readChanges'],
): Promise<number> {
  streams = new ChangeStreams({ readChanges }, limits);
  const httpServer = createServer((request, response) => {
    streams.open(response, request.url ?? '').catch(() => {
      response.statusCode = 503;
      response.end();
    });
  });
  server = await listenLocally(httpServer);
  return server.port;
}

/** Opens a stream of a caller, and does not read it. */
function open(port: number, caller = 'ada') {
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET /${caller} HTTP/1.1\r\nHost: a\r\n\r\n`));
  return socket.setEncoding('utf8').on('error', () => undefined);
}

/** Opens a stream of a caller; `text` returns what it has received so far. */
function read(port: number, caller?: string) {
  let received = '';
  const socket = open(port, caller).on('data', (part: string) => {
    received += part;
  });
  return { socket, text: () => received };
}

afterEach(async () => {
  streams.close();
  await server.close();
});

it('a stream of changes ends for a client that does not read, and continues for one that does', async () => {
  const port = await serve({ pollMs: 1 }, 8 * 1024);
  const slow = open(port);
  const fast = read(port);
  await until(() => streams.size === 2);
  await until(() => streams.size === 1);
  const seen = fast.text().length;
  await until(() => fast.text().length > seen);
  slow.destroy();
  fast.socket.destroy();
  await until(() => streams.size === 0);
});

it('all streams of changes share one read of the store, and without a stream the store is not read', async () => {
  const port = await serve({ pollMs: 5, streamsOfCaller: 50 });
  const all = Array.from({ length: 50 }, () => read(port));
  await until(() => all.every(({ text }) => text().includes('event: changed')));
  for (const { text } of all) {
    const versions = [...text().matchAll(/changed\ndata: .*"version":"(\d+)"/g)].map(([, version]) =>
      Number(version),
    );
    expect(versions).toEqual(versions.map((_, index) => Number(versions[0]) + index));
  }
  for (const { socket } of all) socket.destroy();
  await until(() => streams.size === 0);
  // `until` checks every 50 ms, in which a stream causes several reads.
  let before = -1;
  await until(() => {
    const isUnchanged = reads === before;
    before = reads;
    return isUnchanged;
  });
});

it('a stream of changes sends heartbeats and ends after its maximum time; one beyond the limit is refused', async () => {
  const port = await serve({ streams: 1, pollMs: 1_000, heartbeatMs: 5, maxDurationMs: 500 });
  const first = read(port);
  await until(() => first.text().includes('event: heartbeat'));
  const second = read(port);
  await until(() => second.text().startsWith('HTTP/1.1 503'));
  await until(() => first.text().endsWith('0\r\n\r\n'));
  expect(streams.size).toBe(0);
  second.socket.destroy();
});

it('a caller with the maximum number of streams of changes gets no other, while another caller gets one', async () => {
  const port = await serve({ streamsOfCaller: 2 });
  const own = [read(port), read(port)];
  await until(() => own.every(({ text }) => text().includes('event: hello')));
  const refused = read(port);
  await until(() => refused.text().startsWith('HTTP/1.1 503'));
  const other = read(port, 'grace');
  await until(() => other.text().includes('event: hello'));
  own[0]?.socket.destroy();
  await until(() => streams.size === 2);
  const next = read(port);
  await until(() => next.text().includes('event: hello'));
  for (const { socket } of [...own, refused, other, next]) socket.destroy();
  await until(() => streams.size === 0);
});

it('a stream of changes that waits for the store while the service stops still gets its first event and its end', async () => {
  let answer = () => {};
  const port = await serve({}, 1, new Promise((resolve) => (answer = resolve)));
  const waiting = read(port);
  await until(() => reads === 1);
  streams.close();
  answer();
  await until(() => waiting.text().endsWith('0\r\n\r\n'));
  expect(waiting.text()).toContain('event: hello');
});

it('a stream of changes reports a change that happened while another stream was opening', async () => {
  const answers: ((version: string) => void)[] = [];
  const port = await serveChanges({ pollMs: 500 }, async (since) => {
    if (since !== undefined) return { version: '2', changed: since === '2' ? [] : ['links'] };
    return { version: await new Promise<string>((resolve) => answers.push(resolve)), changed: [] };
  });
  const both = [read(port), read(port)];
  await until(() => answers.length === 2);
  answers[0]?.('1');
  const findFirst = () => both.find(({ text }) => text().includes('event: hello'));
  await until(() => findFirst() !== undefined);
  const first = findFirst();
  answers[1]?.('2');
  await until(() => first?.text().includes('event: changed') === true);
  for (const { socket } of both) socket.destroy();
});

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AcceptQueue } from '../../../src/http/accept-queue.js';

let queue: AcceptQueue;
/** The values of the queue after each accepted connection. */
let values: { readonly accepted: number; readonly waitMs: number }[];
let probes: number;
/** Milliseconds of work for each connection. */
let workMs: number;
let isOver: boolean;
const server = createServer((socket) => {
  if (queue.recordAccepted(socket.remoteAddress)) probes += 1;
  values.push({ accepted: queue.acceptedSinceEmpty, waitMs: queue.waitMs });
  const end = performance.now() + workMs;
  while (performance.now() < end);
  socket.destroy();
});

beforeEach(async () => {
  queue = new AcceptQueue();
  values = [];
  probes = 0;
  workMs = 0;
  isOver = false;
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  queue.setServer(server);
});
afterEach(async () => {
  server.close();
  await once(server, 'close');
});

function open(): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  return once(socket.resume(), 'close');
}

/** Starts clients that connect again and again while `isOver` is false. */
const crowd = (clients: number) =>
  Array.from({ length: clients }, async () => {
    while (!isOver) await open();
  });

it('simultaneous connections are counted until none waits', async () => {
  await Promise.all(Array.from({ length: 50 }, open));
  expect(values.map(({ accepted }) => accepted)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  await expect.poll(() => [queue.acceptedSinceEmpty, queue.waitMs]).toEqual([0, 0]);
  await open();
  expect(values.at(-1)).toEqual({ accepted: 1, waitMs: 0 });
});

it('the wait of a continuous stream of connections is measured with a connection of the service itself', async () => {
  workMs = 5;
  const clients = crowd(40);
  await expect.poll(() => probes, { timeout: 60_000 }).toBeGreaterThan(2);
  // Each client waits for the work of 39 others, about 200 ms.
  await expect.poll(() => queue.waitMs, { timeout: 60_000 }).toBeGreaterThan(20);
  isOver = true;
  await Promise.all(clients);
  await expect.poll(() => [queue.acceptedSinceEmpty, queue.waitMs], { timeout: 20_000 }).toEqual([0, 0]);
});

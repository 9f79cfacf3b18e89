import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AcceptQueue } from '../../../src/http/accept-queue.js';

let queue: AcceptQueue;
/** What the queue says at each connection that is taken. */
let seen: { readonly length: number; readonly waitMs: number }[];
let own: number;
/** Milliseconds of work that each connection makes. */
let workMs: number;
let isOver: boolean;
const server = createServer((socket) => {
  const isOwn = queue.recordAccepted(socket.remoteAddress);
  own += isOwn ? 1 : 0;
  seen.push({ length: queue.length, waitMs: queue.waitMs });
  const end = performance.now() + workMs;
  while (performance.now() < end);
  socket.destroy();
});

beforeEach(async () => {
  queue = new AcceptQueue();
  seen = [];
  own = 0;
  workMs = 0;
  isOver = false;
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  queue.follow(server);
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

/** Has so many clients connect again and again for as long as `isOver` is false. */
const crowd = (clients: number) =>
  Array.from({ length: clients }, async () => {
    while (!isOver) await open();
  });

it('simultaneous connections are counted until none waits', async () => {
  await Promise.all(Array.from({ length: 50 }, open));
  expect(seen.map(({ length }) => length)).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  await expect.poll(() => [queue.length, queue.waitMs]).toEqual([0, 0]);
  await open();
  expect(seen.at(-1)).toEqual({ length: 1, waitMs: 0 });
});

it('the wait of a continuous stream of connections is measured with a connection of the service itself', async () => {
  workMs = 5;
  const clients = crowd(40);
  await expect.poll(() => own, { timeout: 60_000 }).toBeGreaterThan(2);
  // Forty of them make that much work for each other, give or take what the machine does beside.
  await expect.poll(() => queue.waitMs, { timeout: 60_000 }).toBeGreaterThan(20);
  isOver = true;
  await Promise.all(clients);
  await expect.poll(() => [queue.length, queue.waitMs], { timeout: 20_000 }).toEqual([0, 0]);
});

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AcceptQueueMonitor } from '../../../src/http/accept-queue.js';
import { listenLocally } from '../../support/servers/local-server.js';

let queue: AcceptQueueMonitor;
/** The wait after each accepted connection. */
let waits: number[];
let probes: number;
/** Milliseconds of work for each connection. */
let workMs: number;
let isOver: boolean;
let port: number;
const server = createServer((socket) => {
  if (queue.recordAccepted(socket.remoteAddress)) probes += 1;
  waits.push(queue.waitMs);
  const end = performance.now() + workMs;
  while (performance.now() < end);
  socket.destroy();
});

beforeEach(async () => {
  queue = new AcceptQueueMonitor();
  waits = [];
  probes = 0;
  workMs = 0;
  isOver = false;
  ({ port } = await listenLocally(server));
  queue.setServer(server);
});
afterEach(async () => {
  server.close();
  await once(server, 'close');
});

function open(): Promise<unknown> {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  return once(socket.resume(), 'close');
}

/** Starts clients that connect again and again while `isOver` is false. */
const crowd = (clients: number) =>
  Array.from({ length: clients }, async () => {
    while (!isOver) await open();
  });

it('50 connections without a pause have no measured wait, however long each takes', async () => {
  workMs = 20;
  await Promise.all(Array.from({ length: 50 }, open));
  expect(new Set(waits)).toEqual(new Set([0]));
});

it('in a continuous stream of connections, the monitor measures the wait with its own probe connections', async () => {
  workMs = 5;
  const clients = crowd(40);
  await expect.poll(() => probes, { timeout: 60_000 }).toBeGreaterThan(2);
  // Each client waits for the work of 39 others, about 200 ms.
  await expect.poll(() => queue.waitMs, { timeout: 60_000 }).toBeGreaterThan(20);
  isOver = true;
  await Promise.all(clients);
  await expect.poll(() => queue.waitMs).toBe(0);
});

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { parse } from 'yaml';
import { linkgrant, type RunOptions, type Serving } from './command-line.js';
import { childrenOf } from './process-children.js';
import { post } from './wire.js';

// Longer than the kernel needs to deliver a request, or the close of its connection, to a stopped process.
const PAUSE_MS = 100;

/** Rounds of each test; an environment variable sets another number for a longer run. */
export const ROUNDS = Number(process.env.LINKGRANT_TEST_DISCONNECTS ?? 15);

/** How a client closes its connection. Many clients leave session tickets unread; the kernel then sends RST. */
export const CLOSES = ['after close_notify', 'with unread session tickets', 'with RST'] as const;
/** One single-use token as a client uses it. */
export interface SingleUseToken {
  readonly path: string;
  readonly ca: string;
  readonly code: string;
}

/** Issues single-use tokens of one grant with the CLI. `words` name the data directory and the store. */
export async function singleUseTokens(
  count: number,
  directory: string,
  words: readonly string[],
  options: RunOptions = {},
): Promise<SingleUseToken[]> {
  const hub = `hub-${randomUUID()}`;
  const limits = ['--redemptions-allowed', String(count), '--expiration-window', '1h'];
  const created = await linkgrant(['grant', 'create', hub, ...limits, ...words], options);
  if (created.code !== 0) throw new Error(created.stderr);
  mkdirSync(directory);
  const issue = ['token', 'issue', directory, '--grant', hub, '--count', String(count)];
  const issued = await linkgrant([...issue, ...words], options);
  if (issued.code !== 0) throw new Error(issued.stderr);
  return readdirSync(directory).map((name) => {
    const { url, ca, code } = parse(readFileSync(join(directory, name), 'utf8')).spec;
    return { path: new URL(url).pathname, ca, code };
  });
}

/**
 * A TCP connection and a stream over it. `tcp.pause()` leaves received bytes in the kernel; that works only with `onread`.
 */
function pausableConnection(port: number): { readonly tcp: Socket; readonly stream: Duplex } {
  const callback = (length: number, buffer: Uint8Array) =>
    stream.push(Buffer.from(buffer.subarray(0, length)));
  const tcp = connectTcp({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(65_536), callback } });
  tcp.on('error', () => undefined);
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk, _encoding, done) => void tcp.write(chunk, done),
  });
  return { tcp, stream };
}

/**
 * Sends each token once without a CSR to a paused service, closes the connection before the service continues, and then
 * repeats the request. Returns the status codes of the repeated requests.
 */
export async function redeemAfterDisconnect(
  service: Pick<Serving, 'pid' | 'port'>,
  tokens: readonly SingleUseToken[],
  close: (typeof CLOSES)[number],
  headers: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const processes = [service.pid, ...childrenOf(service.pid)];
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processes) process.kill(pid, name);
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const statuses: number[] = [];
  for (const { path, ca, code } of tokens) {
    const { tcp, stream } = pausableConnection(service.port);
    await once(tcp, 'connect');
    const socket = connect({ socket: stream, host: '127.0.0.1', ca }).on('error', () => undefined);
    socket.once('secureConnect', () => close === 'with unread session tickets' && tcp.pause());
    await once(socket, 'secureConnect');
    // Time for the service to read the end of the handshake and to send its session tickets.
    await sleep(PAUSE_MS);
    signal('SIGSTOP');
    try {
      const head = `POST ${path} HTTP/1.1\r\nHost: h\r\n${lines.join('')}Content-Length: ${code.length}\r\n`;
      socket.write(`${head}\r\n${code}`);
      await sleep(PAUSE_MS);
      if (close === 'after close_notify') socket.end(() => tcp.destroy());
      else if (close === 'with RST') tcp.resetAndDestroy();
      else tcp.destroy();
      await sleep(PAUSE_MS);
    } finally {
      signal('SIGCONT');
    }
    const { status } = await post({ port: service.port, ca }, path, code, { headers });
    statuses.push(status);
  }
  return statuses;
}

/**
 * Returns how many of the first requests reached the handler. The log of the service shows such a request as
 * `client_disconnected`, or as `redeemed` and the repeated request as `replayed` with the same redemption.
 */
export function countHandledRequests({ stderr }: Serving['said']): number {
  const lines: { event?: string; code?: string; redemption?: string }[] = stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line));
  const redeemed = lines.filter(({ event }) => event === 'redeemed').map(({ redemption }) => redemption);
  return lines.filter(
    ({ event, code, redemption }) =>
      code === 'client_disconnected' || (event === 'replayed' && redeemed.includes(redemption)),
  ).length;
}

import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import type { Target } from '../support/wire.js';
import type { Chance } from './round.js';

/** How a request is sent. */
export type Delivery =
  | 'at once'
  | 'in pieces'
  | 'byte by byte'
  | 'with more after it'
  | 'then half-closed'
  | 'cut'
  | 'then closed'
  | 'then reset';

// Most deliveries wait for the answer; the others leave the connection in each state that a client can leave it in.
const DELIVERIES: readonly Delivery[] = [
  ...Array<Delivery>(60).fill('at once'),
  ...Array<Delivery>(20).fill('in pieces'),
  ...Array<Delivery>(3).fill('byte by byte'),
  ...Array<Delivery>(6).fill('with more after it'),
  ...Array<Delivery>(4).fill('then half-closed'),
  ...Array<Delivery>(2).fill('cut'),
  ...Array<Delivery>(3).fill('then closed'),
  ...Array<Delivery>(3).fill('then reset'),
];
const MAX_BYTE_BY_BYTE = 1_500;

/** The result of one exchange. */
export interface Exchanged {
  readonly received: Buffer;
  /** Milliseconds from the last byte sent to the first byte received, or to the end of the connection. */
  readonly answeredMs: number;
  /** Milliseconds from the last byte sent to the end of the connection. */
  readonly endedMs: number;
  /** True when this side ended the connection without waiting. */
  readonly abandoned: boolean;
}

/** Chooses how to send a request. */
export function chooseDelivery(chance: Chance): Delivery {
  return chance.pick(DELIVERIES);
}

/** The writes of a request. Each is sent after the write before it has completed. */
function piecesOf(bytes: Buffer, delivery: Delivery, chance: Chance): Buffer[] {
  if (delivery === 'byte by byte' && bytes.length <= MAX_BYTE_BY_BYTE) {
    return [...bytes].map((byte) => Buffer.of(byte));
  }
  if (delivery === 'with more after it') {
    return [
      Buffer.concat([
        bytes,
        chance.pick([bytes, Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'), chance.bytes(200)]),
      ]),
    ];
  }
  if (delivery === 'cut') return [bytes.subarray(0, chance.below(bytes.length))];
  if (delivery !== 'in pieces') return [bytes];
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + 1 + chance.below(bytes.length);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

/** Sends bytes over TLS as `delivery` says, and reads until the service ends the connection, `limitMs` at most. */
export async function deliver(
  target: Target,
  bytes: Buffer,
  {
    delivery,
    chance,
    limitMs,
  }: { readonly delivery: Delivery; readonly chance: Chance; readonly limitMs: number },
): Promise<Exchanged> {
  const pieces = piecesOf(bytes, delivery, chance);
  const raw = connectTcp({ host: '127.0.0.1', port: target.port });
  raw.on('error', () => undefined);
  const socket = connect({ socket: raw, ca: target.ca, host: '127.0.0.1', allowHalfOpen: true } as object);
  const received: Buffer[] = [];
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  let firstAt: number | undefined;
  socket.on('data', (piece: Buffer) => {
    firstAt ??= performance.now();
    received.push(piece);
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.once('end', () => socket.end());
  await send(socket, pieces);
  const sentAt = performance.now();
  if (delivery === 'then half-closed' || delivery === 'cut') socket.end();
  const abandoned = delivery === 'then closed' || delivery === 'then reset';
  if (delivery === 'then closed') socket.destroy();
  if (delivery === 'then reset') raw.resetAndDestroy();
  const timer = new AbortController();
  await Promise.race([closed, sleep(limitMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
  socket.destroy();
  raw.destroy();
  const endedAt = performance.now();
  return {
    received: Buffer.concat(received),
    answeredMs: (firstAt ?? endedAt) - sentAt,
    endedMs: endedAt - sentAt,
    abandoned,
  };
}

async function send(socket: TLSSocket, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) {
    if (!socket.writable) return;
    // The callback is called with an error where the connection has ended.
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
}

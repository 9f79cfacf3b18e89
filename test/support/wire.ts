import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

/** Where a service is reached, and what its certificate verifies against. */
export interface Target {
  readonly port: number;
  readonly ca: string;
}

/** A received response. Header names are in lower case; the values of a repeated header are joined by `, `. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Returns the status, body and reason of a response. */
export const outcomeOf = ({ status, body, headers }: WireResponse) => [
  status,
  body,
  headers['linkgrant-reason'],
];

/** Returns the status and reason of a response. */
export const refusal = ({ status, headers }: WireResponse) => [status, headers['linkgrant-reason']];

/** A connection on which a test sends and receives bytes as they are. */
export interface WireConnection {
  readonly socket: TLSSocket;
  /** The chunks received so far. */
  readonly received: readonly Buffer[];
  send(bytes: string | Uint8Array): void;
  /** Resolves with all received bytes when the connection has closed, also after an error. */
  readonly ended: Promise<Buffer>;
}

/** Opens a TCP connection to the machine itself, from the address `from`, and ignores its errors. */
export async function openTcp(port: number, from = '127.0.0.1'): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress: from, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Opens `count` TCP connections that send nothing. */
export async function openIdle(port: number, count: number, from?: string): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => openTcp(port, from)));
  return sockets.map((socket) => socket.resume());
}

/** Resolves when the peer has closed or reset the connection. */
export async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Connects by TLS and verifies the server. Rejects when the handshake fails. */
export async function openWire(target: Target, options: ConnectionOptions = {}): Promise<WireConnection> {
  const { port, ca } = target;
  const socket = connect({ host: '127.0.0.1', port, ca, ...options });
  const received: Buffer[] = [];
  socket.on('data', (piece: Buffer) => received.push(piece));
  await once(socket, 'secureConnect');
  // A peer that closes while bytes are on their way to it resets the connection; what arrived before is the answer.
  socket.on('error', () => undefined);
  const ended = new Promise<Buffer>((resolve) =>
    socket.once('close', () => resolve(Buffer.concat(received))),
  );
  return { socket, received, send: (bytes) => void socket.write(bytes), ended };
}

/** Parses an HTTP/1.1 response. Throws if the bytes are not one. */
export function parseResponse(bytes: Buffer): WireResponse {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1];
  if (end < 0 || status === undefined) throw new Error(`not an HTTP response: ${JSON.stringify(text)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { status: Number(status), headers, body: bytes.subarray(end + 4).toString() };
}

/** Sends bytes as they are. Returns all received bytes when the service has closed the connection. */
export async function exchangeBytes(
  target: Target,
  bytes: string | Uint8Array,
  options: ConnectionOptions = {},
): Promise<Buffer> {
  const wire = await openWire(target, options);
  wire.send(bytes);
  return wire.ended;
}

/** Sends bytes as they are. Returns the first response as soon as it is complete. */
export async function exchange(
  target: Target,
  bytes: string | Uint8Array,
  options: ConnectionOptions = {},
): Promise<WireResponse> {
  const wire = await openWire(target, options);
  wire.socket.on('data', () => isComplete(Buffer.concat(wire.received)) && wire.socket.destroy());
  wire.send(bytes);
  return parseResponse(await wire.ended);
}

function isComplete(bytes: Buffer): boolean {
  const end = bytes.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(
    bytes.subarray(0, Math.max(0, end)).toString('latin1'),
  )?.[1];
  return length !== undefined && bytes.length >= end + 4 + Number(length);
}

/** Sends `piece` until the peer closes the connection, at most `most` times. Returns the response. */
export async function exchangeEndless(
  target: Target,
  head: string,
  piece: Uint8Array | string,
  most: number,
): Promise<WireResponse> {
  const wire = await openWire(target);
  wire.send(head);
  for (let sent = 0; sent < most && wire.socket.writable; sent += 1) {
    if (wire.socket.write(piece)) continue;
    const drained = new Promise((resolve) => wire.socket.once('drain', resolve));
    await Promise.race([drained, wire.ended, sleep(5_000)]);
  }
  if (isComplete(Buffer.concat(wire.received))) wire.socket.destroy();
  return parseResponse(await wire.ended);
}

/** What {@link post} sends in addition to the path and the body. */
export interface PostOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address to send from; 127.0.0.1 when absent. */
  readonly from?: string;
  /** Whether to verify the certificate of the service; by default true. */
  readonly rejectUnauthorized?: boolean;
}

/** Sends a request as an ordinary HTTPS client does, on a connection of its own. */
export function post(
  target: Target,
  path: string,
  body: string,
  options: PostOptions = {},
): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    const { method = 'POST', headers = {}, from, rejectUnauthorized = true } = options;
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: target.port,
        ca: target.ca,
        path,
        method,
        agent: false,
        rejectUnauthorized,
        ...(from !== undefined && { localAddress: from }),
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.once('error', reject);
        incoming.once('end', () => {
          const entries = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
          resolve({
            status: incoming.statusCode ?? 0,
            headers: Object.fromEntries(entries),
            body: Buffer.concat(pieces).toString(),
          });
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

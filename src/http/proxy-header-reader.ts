import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { normalizeAddress } from '../domain/peer-address.js';
import type { ConnectionTable } from './connection-table.js';
import { type ProxyHeader, type ProxyHeaderFault, parseProxyHeader } from './proxy-header.js';

/** Why a connection of a proxy was refused. */
export interface ProxyHeaderRefusal {
  /** Address of the proxy. */
  readonly peer: string;
  readonly reason: ProxyHeaderFault | 'timeout';
}

/** Which connections must begin with a PROXY header. */
export interface ProxyHeaderOptions {
  readonly isProxy: (address: string) => boolean;
  /** Time limit for the arrival of the whole header. */
  readonly timeoutMs: number;
  /** Called for each connection of a proxy that does not begin with a valid header. */
  readonly onRefused: (refusal: ProxyHeaderRefusal) => void;
}

/**
 * Makes a server read the PROXY header of each connection of a proxy before the TLS handshake, and record the client's
 * address in `connections`. A connection without a valid header is closed. Other connections are not affected.
 */
export function requireProxyHeaders(
  server: Server,
  connections: Pick<ConnectionTable, 'setClientAddress'>,
  { isProxy, timeoutMs, onRefused }: ProxyHeaderOptions,
): void {
  // Node starts the handshake in its own listener of this event.
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  const startTls = (socket: Socket) => {
    for (const listener of listeners) listener.call(server, socket);
  };
  server.on('connection', (socket: Socket) => {
    const peer = normalizeAddress(socket.remoteAddress ?? '');
    if (!isProxy(peer)) {
      startTls(socket);
      return;
    }
    readProxyHeader(socket, timeoutMs, (result) => {
      if (typeof result === 'object') {
        if (result.client !== undefined) connections.setClientAddress(socket, result.client);
        startTls(socket);
        return;
      }
      socket.destroy();
      if (result !== 'closed') onRefused({ peer, reason: result });
    });
  });
}

/**
 * Reads the PROXY header of a connection; the bytes after it remain readable. The result is `closed` if the peer closed the
 * connection before it sent anything, as some health checks do.
 */
function readProxyHeader(
  socket: Socket,
  timeoutMs: number,
  onResult: (result: ProxyHeader | ProxyHeaderRefusal['reason'] | 'closed') => void,
): void {
  let received = Buffer.alloc(0);
  const finish: typeof onResult = (result) => {
    clearTimeout(timer);
    socket.off('readable', read).off('end', end).off('close', end).off('error', ignore);
    onResult(result);
  };
  const read = () => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    received = Buffer.concat([received, chunk]);
    const result = parseProxyHeader(received);
    if (result === 'incomplete') return;
    // The TLS connection that Node creates on the socket reads the bytes that the socket has buffered.
    if (typeof result === 'object' && received.length > result.length)
      socket.unshift(received.subarray(result.length));
    finish(result);
  };
  const end = () => finish(received.length === 0 ? 'closed' : 'incomplete');
  // The `close` event follows.
  const ignore = () => undefined;
  const timer = setTimeout(() => finish('timeout'), timeoutMs);
  socket.on('readable', read).on('end', end).on('close', end).on('error', ignore);
}

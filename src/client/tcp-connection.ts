import { constants } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, DEFAULT_CIPHERS, type TLSSocket } from 'node:tls';
import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { untilAborted } from '../time/abort.js';
import { LimitedStream, type ServerLimits } from './limited-stream.js';
import type { RouteOptions } from './route.js';

/**
 * Opens a TCP connection to the first address of a host that accepts it, of the addresses that `mayReach` allows. Rejects with
 * RedemptionError `dns`, `address_refused`, `connection_refused` (also if there is no route) or `connection_timeout`.
 */
export async function connectTcp(
  address: HostPort,
  signal: AbortSignal,
  { mayReach = () => true, lookupWait }: Pick<RouteOptions, 'mayReach' | 'lookupWait'> = {},
): Promise<Socket> {
  // The name is resolved once, so that a later DNS response cannot change the address.
  const resolved = await resolve(address.host, signal, lookupWait);
  const addresses = resolved.filter((one) => mayReach(one.address));
  if (addresses.length === 0) throw addressRefused(address);
  const where = formatHostPort(address);
  const socket = connect({
    host: address.host,
    port: address.port,
    autoSelectFamily: true,
    // Node's default of 250 ms fails for distant hosts with several addresses.
    autoSelectFamilyAttemptTimeout: 1_000,
    lookup: (_host, _options, callback) => callback(null, addresses),
  });
  // Readers handle the `close` that follows an error. An error without a listener would end the process.
  socket.on('error', () => undefined);
  try {
    await untilAborted(signal, (resolved, rejected) => {
      socket.once('connect', resolved);
      socket.once('error', rejected);
    });
  } catch (error) {
    socket.destroy();
    if (signal.aborted || systemCode(error) === 'ETIMEDOUT') {
      throw new RedemptionError('connection_timeout', `${where} does not answer.`, { cause: error });
    }
    const message = `${where} accepts no connection (${systemCode(error)}).`;
    throw new RedemptionError('connection_refused', message, { cause: error });
  }
  return socket.setNoDelay(true);
}

// By default, OpenSSL 3.5 and later offer no slow group, and a post-quantum key exchange, which this list would exclude.
const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
const OFFERS_SLOW_GROUPS = major < 3 || (major === 3 && minor < 5);

/**
 * Options against work that a server could choose. With TLS 1.2, Diffie-Hellman with 10,000 bits takes 0.6 s of CPU, and a
 * renegotiation is a handshake after the first one. With TLS 1.3, the group ffdhe8192 takes 0.1 s, 50 times as much as X25519.
 */
const CHEAP_TLS = {
  ciphers: `${DEFAULT_CIPHERS}:!DHE`,
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  ...(OFFERS_SLOW_GROUPS && { ecdhCurve: 'X25519:P-256:P-384:P-521' }),
} as const;

/** Reports that TLS cannot use a certificate or a key in the options of {@link secure}. */
export class UnusableTlsOptions extends Error {}

/**
 * Resolves when the TLS handshake with `host` on a socket has succeeded. Otherwise closes the socket, and rejects with
 * UnusableTlsOptions, with the error of the handshake (HandshakeTooLong among them), or with the reason of the aborted signal. A
 * later error closes the connection without ending the process. The `limits` also apply after the handshake.
 */
export async function secure(
  socket: Socket,
  host: string,
  options: ConnectionOptions,
  signal: AbortSignal,
  limits: ServerLimits,
): Promise<TLSSocket> {
  let secured: TLSSocket | undefined;
  try {
    const stream = new LimitedStream(socket, limits);
    // SNI cannot have an address (RFC 6066 §3).
    const servername = isIP(host) === 0 && { servername: host };
    const opened = connectTls({ socket: stream, host, ...servername, ...CHEAP_TLS, ...options });
    secured = opened.on('error', () => undefined);
    // By default it is that of the stream, which must stay open for the end of TLS.
    opened.allowHalfOpen = false;
    await untilAborted(signal, (resolved, rejected) => {
      stream.once('error', rejected);
      opened.once('secureConnect', () => {
        stream.startResponse();
        resolved();
      });
      opened.once('error', rejected);
      opened.once('close', () => rejected(new Error('closed')));
    });
    return opened;
  } catch (error) {
    secured?.destroy();
    socket.destroy();
    throw secured ? error : new UnusableTlsOptions('unusable TLS options', { cause: error });
  }
}

/** Creates the error for a host whose address may not be connected to. */
export function addressRefused(address: HostPort): RedemptionError {
  return new RedemptionError(
    'address_refused',
    `${formatHostPort(address)} is at an address that this service does not connect to.`,
  );
}

async function resolve(
  host: string,
  signal: AbortSignal,
  lookupWait?: AbortSignal,
): Promise<LookupAddress[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  try {
    signal.throwIfAborted();
    const lookingUp = lookup(host, { all: true });
    const untilResolved = (end: AbortSignal) =>
      untilAborted<LookupAddress[]>(end, (resolved, rejected) => {
        lookingUp.then(resolved, rejected);
      });
    if (lookupWait) {
      // One listener for each look-up is not a leak.
      setMaxListeners(0, lookupWait);
      // The wait below rejects with the error of the look-up.
      await untilResolved(lookupWait).catch(() => undefined);
    }
    return await untilResolved(signal);
  } catch (error) {
    const why = signal.aborted ? 'no response in time' : systemCode(error);
    throw new RedemptionError('dns', `The name ${host} cannot be resolved (${why}).`, { cause: error });
  }
}

/** Returns the system's name of an error (`ECONNREFUSED`, …), or `unknown error`. */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown error';
}

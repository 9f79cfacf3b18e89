import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { CaPin } from '../domain/access-token.js';
import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { encodeCertificatePem } from '../pki/pem.js';
import { sha256Hex } from '../pki/sha256.js';
import type { CpuLimits, RunWork } from '../time/cpu-budget.js';
import { inSpan } from '../tracing/span.js';
import { diagnoseClock, MAX_CLOCK_RESPONSE_BYTES } from './clock-diagnosis.js';
import { LimitedStream, type ServerLimits } from './limited-stream.js';
import { presentedCertificates } from './link-peer.js';
import { connectThroughProxy } from './proxy-tunnel.js';
import { type RouteOptions, routeTo, type TlsTarget } from './route.js';
import { addressRefused, connectTcp, secure, UnusableTlsOptions } from './tcp-connection.js';
import { caNameOf, tlsFailure } from './tls-failure.js';

/** Options for opening and verifying a connection. */
export interface ConnectionOptions extends RouteOptions {
  /** The local clock, to diagnose expired or not yet valid certificates. */
  readonly clock: () => number;
  /** Runs the work that a server causes: TLS handshakes, and the parsing and the verification of its response. */
  readonly runWork?: RunWork | undefined;
}

/** Options for exchanges with services and routers. */
export interface ServiceConnectionOptions extends ConnectionOptions {
  /** Time limit of one exchange, from the name look-up to the last byte of the response; default 10,000 ms. */
  readonly timeoutMs?: number | undefined;
}

/** Default time limit of one exchange, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * CPU time that the servers of a namespace's tokens and links, or a webhook receiver, may cause within 30 seconds. A redemption
 * with a chain of RSA-4096 takes 10 ms, a handshake with the slowest certificates 100 ms, a response in as many one-byte chunks as
 * its limit permits 30 ms or more, the slowest response 165 ms.
 */
export const SERVER_WORK: CpuLimits = { budgetMs: 200, freeMs: 15 };

/**
 * Opens a connection to a server with TLS 1.3, or 1.2 if the target allows that. Verifies the server against the CA and the name
 * of the target, and sends no client certificate. Closes the connection if the server sends more than a response of
 * `responseLimit` bytes needs. Aborting `signal` ends the attempt. Each failure is a RedemptionError: `dns`,
 * `address_refused`, `connection_refused`, `connection_timeout`, `proxy`, `not_https`, `token_invalid` (unreadable CA),
 * `tls_untrusted`, `tls_name`, `clock_skew`.
 */
export async function openConnection(
  target: TlsTarget,
  options: ConnectionOptions,
  signal: AbortSignal,
  responseLimit: number,
): Promise<TLSSocket> {
  const limits = { runWork: options.runWork, responseLimit };
  try {
    return await inSpan({ name: 'connect' }, async () =>
      handshake(target, await openSocket(target, options, signal, responseLimit), limits, signal, true),
    );
  } catch (error) {
    if (error instanceof RedemptionError) throw error;
    const failure = tlsFailure(error, target);
    if (failure !== 'outside_validity') throw failure;
    throw await diagnoseClock({
      target,
      now: options.clock(),
      signal,
      runWork: options.runWork,
      // Sends no secret: it only reads the certificate and the time of the server.
      openUnverified: () => openUnverified(target, options, signal),
    });
  }
}

/**
 * Returns the PEM of the CA with this pin among the certificates that a server presents. Sends nothing on the connection, and
 * does not verify the server: the caller sends requests only on a connection that is verified against this CA. Rejects as {@link
 * openConnection} does, and with `tls_untrusted` if the server presents no such CA.
 */
export async function findPinnedCa(
  server: HostPort,
  { pin }: CaPin,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<string> {
  const socket = await openUnverified(server, options, signal);
  const ca = presentedCertificates(socket).find(({ raw }) => sha256Hex(raw).startsWith(pin));
  socket.destroy();
  if (ca) return encodeCertificatePem(ca.raw);
  throw new RedemptionError(
    'tls_untrusted',
    `The CA in the join line is none of those that ${formatHostPort(server)} presents.`,
  );
}

async function openUnverified(
  target: TlsTarget,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const limits = { runWork: options.runWork, responseLimit: MAX_CLOCK_RESPONSE_BYTES };
  try {
    const socket = await openSocket(target, options, signal, limits.responseLimit);
    return await handshake(target, socket, limits, signal, false);
  } catch (error) {
    if (error instanceof RedemptionError) throw error;
    // Never `outside_validity`: without verification no error is about the validity of a certificate.
    throw tlsFailure(error, target);
  }
}

/**
 * Opens a connection without TLS and without a proxy, with the limits of {@link openConnection}. Rejects as {@link connectTcp}
 * does.
 */
export async function openPlainConnection(
  target: HostPort,
  mayReach: (address: string) => boolean,
  signal: AbortSignal,
  limits: ServerLimits,
): Promise<Duplex> {
  const stream = new LimitedStream(await connectTcp(target, signal, { mayReach }), limits);
  stream.startResponse();
  // An error without a listener would end the process.
  return stream.on('error', () => undefined);
}

/**
 * Opens a TCP connection to a server, or a tunnel through the proxy of the options for a response of at most `responseLimit`
 * bytes. Rejects as {@link openConnection} does.
 */
export async function openSocket(
  target: HostPort,
  options: RouteOptions,
  signal: AbortSignal,
  responseLimit: number,
): Promise<Socket> {
  const { address, proxy } = routeTo(target, options);
  const { mayReach } = options;
  if (!proxy) return connectTcp(address, signal, options);
  if (mayReach && isIP(address.host) !== 0 && !mayReach(address.host)) throw addressRefused(address);
  return connectThroughProxy(proxy, address, signal, responseLimit);
}

/** Runs the TLS handshake. Rejects with RedemptionError `token_invalid` or `connection_timeout`, or with the error of TLS. */
async function handshake(
  target: TlsTarget,
  socket: Socket,
  limits: ServerLimits,
  signal: AbortSignal,
  isVerified: boolean,
): Promise<TLSSocket> {
  const options = {
    ca: target.ca,
    // Like Skupper, trust an intermediate CA or the server's own certificate in a token.
    allowPartialTrustChain: true,
    minVersion: target.minVersion ?? ('TLSv1.3' as const),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: isVerified,
  };
  try {
    return await secure(socket, target.host, options, signal, limits);
  } catch (error) {
    if (error instanceof UnusableTlsOptions)
      throw new RedemptionError('token_invalid', `TLS cannot use ${caNameOf(target)}.`, { cause: error });
    if (!signal.aborted) throw error;
    const message = `The TLS handshake with ${formatHostPort(target)} took too long.`;
    throw new RedemptionError('connection_timeout', message, { cause: error });
  }
}

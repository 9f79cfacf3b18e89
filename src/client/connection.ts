import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { CaPin } from '../domain/access-token.js';
import { formatHostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { encodeCertificatePem } from '../pki/pem.js';
import { sha256Hex } from '../pki/sha256.js';
import { inSpan } from '../tracing/span.js';
import { diagnoseClock } from './clock-diagnosis.js';
import { presentedCertificates } from './link-peer.js';
import { connectThroughProxy } from './proxy-tunnel.js';
import { type HostPort, type RouteOptions, routeTo, type TlsTarget } from './route.js';
import { addressRefused, awaitHandshake, connectTcp } from './tcp-connection.js';
import { tlsFailure } from './tls-failure.js';

/** Options for opening and verifying a connection. */
export interface ConnectionOptions extends RouteOptions {
  /** The local clock, to diagnose expired or not yet valid certificates. */
  readonly clock: () => number;
}

/**
 * Opens a TLS connection to a server, of version 1.3 unless the target allows 1.2. Verifies the server against the CA and the name
 * of the target; trusts no other CA, and sends no client certificate. Aborting `signal` ends the attempt. Each failure is a
 * RedemptionError: `dns`, `address_refused`, `connection_refused`, `connection_timeout`, `proxy`, `not_https`, `tls_untrusted`,
 * `tls_name`, `clock_skew`.
 */
export async function openConnection(
  target: TlsTarget,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  try {
    return await inSpan({ name: 'connect' }, async () =>
      handshake(target, await openSocket(target, options, signal), signal, true),
    );
  } catch (error) {
    if (error instanceof RedemptionError) throw error;
    const failure = tlsFailure(error, target);
    if (failure !== 'outside_validity') throw failure;
    throw await diagnoseClock({
      target,
      now: options.clock(),
      signal,
      // Sends no secret: it only reads the certificate and the time of the server.
      openUnverified: () => openUnverified(target, options, signal),
    });
  }
}

/**
 * Returns the PEM of the CA with this pin among the certificates that a server sends in its TLS handshake. Sends nothing on the
 * connection, and verifies nothing: a connection for a request has to be verified against this CA. Rejects as
 * {@link openConnection} does, with `tls_untrusted` if the server sends no such CA.
 */
export async function findPinnedCa(
  server: HostPort,
  { pin }: CaPin,
  options: RouteOptions,
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
  options: RouteOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  try {
    return await handshake(target, await openSocket(target, options, signal), signal, false);
  } catch (error) {
    if (error instanceof RedemptionError) throw error;
    const failure = tlsFailure(error, target);
    if (failure !== 'outside_validity') throw failure;
    throw new RedemptionError(
      'tls_untrusted',
      `The certificate of ${formatHostPort(target)} is not valid now.`,
      {
        cause: error,
      },
    );
  }
}

/** Opens a TCP connection to a server, or a tunnel to it through the proxy of the options. Rejects as {@link openConnection} does. */
export async function openSocket(
  target: HostPort,
  options: RouteOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const { address, proxy } = routeTo(target, options);
  const { mayReach } = options;
  if (!proxy) return connectTcp(address, signal, mayReach);
  if (mayReach && isIP(address.host) !== 0 && !mayReach(address.host)) throw addressRefused(address);
  return connectThroughProxy(proxy, address, signal);
}

/** Rejects with RedemptionError `connection_timeout`, or with the error of TLS. */
async function handshake(
  target: TlsTarget,
  socket: Socket,
  signal: AbortSignal,
  isVerified: boolean,
): Promise<TLSSocket> {
  let secured: TLSSocket;
  try {
    secured = connectTls({
      socket,
      host: target.host,
      ca: target.ca,
      // Like Skupper, trust an intermediate or the server's own certificate in a token. For the CAs of the system Node 20 would
      // ignore NODE_EXTRA_CA_CERTS with it.
      allowPartialTrustChain: target.ca !== undefined,
      minVersion: target.minVersion ?? 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: isVerified,
    });
  } catch (error) {
    socket.destroy();
    throw new RedemptionError('token_invalid', 'The CA of the token cannot be read.', { cause: error });
  }
  try {
    await awaitHandshake(secured, signal);
  } catch (error) {
    secured.destroy();
    socket.destroy();
    if (!signal.aborted) throw error;
    const where = formatHostPort(target);
    throw new RedemptionError('connection_timeout', `The TLS handshake with ${where} took too long.`, {
      cause: error,
    });
  }
  return secured;
}

import { connect as connectTls } from 'node:tls';
import { openSocket } from './connection.js';
import { routerChain } from './link-peer.js';
import type { HostPort, RouteOptions } from './route.js';
import { awaitHandshake } from './tcp-connection.js';

/**
 * Returns the certificate chain that a TLS server presents as PEM, unverified. Sends nothing on the connection. Rejects with
 * RedemptionError if the connection fails, else with the error of TLS.
 */
export async function readServerCertificate(
  target: HostPort,
  options: RouteOptions,
  signal: AbortSignal,
): Promise<string> {
  const socket = await openSocket(target, options, signal);
  const secured = connectTls({ socket, host: target.host, rejectUnauthorized: false });
  try {
    await awaitHandshake(secured, signal);
    return routerChain(secured);
  } finally {
    secured.destroy();
    socket.destroy();
  }
}

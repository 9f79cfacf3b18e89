import { connect as connectTls } from 'node:tls';
import { untilAborted } from '../time/abort.js';
import { routerChain } from './link-peer.js';
import { connectThroughProxy } from './proxy-tunnel.js';
import { type HostPort, type RouteOptions, routeTo } from './route.js';
import { connectTcp } from './tcp-connection.js';

/**
 * Returns the certificate chain that a TLS server presents as PEM, unverified. Sends nothing on the connection. Rejects with
 * RedemptionError if the connection fails, else with the error of TLS.
 */
export async function readServerCertificate(
  target: HostPort,
  options: RouteOptions,
  signal: AbortSignal,
): Promise<string> {
  const { address, proxy } = routeTo(target, options);
  const socket = proxy
    ? await connectThroughProxy(proxy, address, signal)
    : await connectTcp(address, signal);
  const secured = connectTls({ socket, host: target.host, rejectUnauthorized: false });
  secured.on('error', () => undefined);
  try {
    await untilAborted(signal, (resolved, rejected) => {
      secured.once('secureConnect', resolved);
      secured.once('error', rejected);
      secured.once('close', () => rejected(new Error('closed')));
    });
    return routerChain(secured);
  } finally {
    secured.destroy();
    socket.destroy();
  }
}

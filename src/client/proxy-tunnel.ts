import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { untilAborted } from '../time/abort.js';
import { wireLimitOf } from './limited-stream.js';
import type { ProxyServer } from './route.js';
import { connectTcp, secure, systemCode } from './tcp-connection.js';

/**
 * Opens a connection to `target` through a proxy (RFC 9110 §9.3.6, CONNECT), for a response of at most `responseLimit` bytes. Each
 * failure of the proxy is a RedemptionError `proxy`.
 */
export async function connectThroughProxy(
  proxy: ProxyServer,
  target: HostPort,
  signal: AbortSignal,
  responseLimit: number,
): Promise<Socket> {
  const where = `The proxy ${formatHostPort(proxy)}`;
  const socket = await connectToProxy(proxy, where, signal, responseLimit);
  const authority = formatHostPort(target);
  let response: Awaited<ReturnType<typeof requestTunnel>>;
  try {
    response = await requestTunnel(socket, authority, proxy.authorization, signal);
  } catch (error) {
    socket.destroy();
    const code = systemCode(error);
    // Node's HTTP parser could not read the response.
    if (code.startsWith('HPE_'))
      throw new RedemptionError('proxy', `${where} does not answer like an HTTP proxy.`, { cause: error });
    const what = signal.aborted ? 'did not answer in time' : `closed the connection (${code})`;
    throw new RedemptionError('proxy', `${where} ${what} on CONNECT ${authority}.`, { cause: error });
  }
  const { status, rest } = response;
  if (status >= 200 && status < 300) {
    if (rest.length > 0) socket.unshift(rest);
    return socket;
  }
  socket.destroy();
  const why = status === 407 ? 'requires a valid user and password' : `refused ${authority}`;
  throw new RedemptionError('proxy', `${where} ${why} (status ${status}).`);
}

/** Resolves with the status of the proxy's response, and with the bytes that followed its head. */
function requestTunnel(
  socket: Socket,
  authority: string,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly rest: Buffer }> {
  return untilAborted(signal, (resolve, reject) => {
    const request = httpRequest({
      createConnection: () => socket,
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        // The tunnel stays open. By default Node sends `connection: close`.
        connection: 'keep-alive',
        ...(authorization && { 'proxy-authorization': authorization }),
      },
    });
    request.once('error', reject);
    request.once('connect', ({ statusCode = 0 }, _socket, rest) => resolve({ status: statusCode, rest }));
    request.end();
  });
}

async function connectToProxy(
  proxy: ProxyServer,
  where: string,
  signal: AbortSignal,
  responseLimit: number,
): Promise<Socket> {
  let socket: Socket;
  try {
    socket = await connectTcp(proxy, signal);
  } catch (error) {
    const why = error instanceof RedemptionError ? error.message : systemCode(error);
    throw new RedemptionError('proxy', `${where} cannot be reached: ${why}`, { cause: error });
  }
  if (!proxy.secure) return socket;
  try {
    // For the proxy, all bytes in the tunnel are the response: also the handshake, headers and chunk sizes of the target.
    const limits = { responseLimit: wireLimitOf(responseLimit) };
    return await secure(socket, proxy.host, { ALPNProtocols: ['http/1.1'] }, signal, limits);
  } catch (error) {
    const why = signal.aborted ? 'no response in time' : systemCode(error);
    throw new RedemptionError('proxy', `${where} cannot be reached over TLS (${why}).`, { cause: error });
  }
}

import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatHostPort, type HostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { untilAborted } from '../time/abort.js';
import type { ProxyServer } from './route.js';
import { awaitHandshake, connectTcp, serverName, systemCode } from './tcp-connection.js';

const MAX_HEAD_BYTES = 16 * 1024;

/**
 * Opens a connection to `target` through a proxy (RFC 9110 §9.3.6, CONNECT). Each failure of the proxy is a RedemptionError
 * `proxy`.
 */
export async function connectThroughProxy(
  proxy: ProxyServer,
  target: HostPort,
  signal: AbortSignal,
): Promise<Socket> {
  const where = `The proxy ${formatHostPort(proxy)}`;
  const socket = await connectToProxy(proxy, where, signal);
  const authority = formatHostPort(target);
  const head = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (proxy.authorization) head.push(`Proxy-Authorization: ${proxy.authorization}`);
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  let status: number | undefined;
  try {
    status = await readStatus(socket, signal);
  } catch (error) {
    socket.destroy();
    const what = signal.aborted ? 'did not answer in time' : `closed the connection (${systemCode(error)})`;
    throw new RedemptionError('proxy', `${where} ${what} on CONNECT ${authority}.`, { cause: error });
  }
  if (status !== undefined && status >= 200 && status < 300) return socket;
  socket.destroy();
  if (status === undefined)
    throw new RedemptionError('proxy', `${where} does not answer like an HTTP proxy.`);
  const why = status === 407 ? 'requires a valid user and password' : `refused ${authority}`;
  throw new RedemptionError('proxy', `${where} ${why} (status ${status}).`);
}

async function connectToProxy(proxy: ProxyServer, where: string, signal: AbortSignal): Promise<Socket> {
  let socket: Socket;
  try {
    socket = await connectTcp(proxy, signal);
  } catch (error) {
    const why = error instanceof RedemptionError ? error.message : systemCode(error);
    throw new RedemptionError('proxy', `${where} cannot be reached: ${why}`, { cause: error });
  }
  if (!proxy.secure) return socket;
  const secured = connectTls({
    socket,
    host: proxy.host,
    ...serverName(proxy.host),
    ALPNProtocols: ['http/1.1'],
  });
  try {
    await awaitHandshake(secured, signal);
  } catch (error) {
    secured.destroy();
    const why = signal.aborted ? 'no answer in time' : systemCode(error);
    throw new RedemptionError('proxy', `${where} cannot be reached over TLS (${why}).`, { cause: error });
  }
  return secured;
}

/** Resolves with the status of the proxy's answer; undefined if that is not HTTP. Bytes after its head remain readable. */
function readStatus(socket: Socket, signal: AbortSignal): Promise<number | undefined> {
  let head = Buffer.alloc(0);
  return untilAborted<number | undefined>(signal, (resolve, reject) => {
    const settle = (complete: () => void) => {
      socket.removeListener('data', onData);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      socket.pause();
      complete();
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => settle(() => reject(new Error('closed')));
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length <= MAX_HEAD_BYTES) return;
      settle(() => {
        const rest = head.subarray(end + 4);
        if (end >= 0 && rest.length > 0) socket.unshift(rest);
        const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(head.toString('latin1'))?.[1];
        resolve(status && end >= 0 ? Number(status) : undefined);
      });
    };
    socket.on('data', onData);
    socket.once('error', onError);
    socket.once('close', onClose);
  });
}

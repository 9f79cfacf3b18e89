import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import type { TestIdentity } from '../server-identity.js';
import { type LocalServer, listenLocally } from './local-server.js';

/** A proxy on 127.0.0.1 that tunnels, or refuses to. */
export interface TunnelProxy extends LocalServer {
  /** The received CONNECT requests: their targets, and their `Proxy-Authorization` headers. */
  readonly connectRequests: { readonly target: string; readonly authorization: string | undefined }[];
}

/**
 * Starts a proxy; with `refuse` it answers every CONNECT with that status, with `identity` it speaks TLS itself. With
 * `singleBytes` it sends each byte to the client on its own.
 */
export async function startProxy(
  options: {
    readonly refuse?: number;
    readonly identity?: TestIdentity;
    readonly singleBytes?: boolean;
  } = {},
): Promise<TunnelProxy> {
  const connectRequests: TunnelProxy['connectRequests'] = [];
  const server: Server = options.identity ? createHttpsServer(options.identity) : createServer();
  server.on('connect', (request, downstream: Socket) => {
    const target = request.url ?? '';
    connectRequests.push({ target, authorization: request.headers['proxy-authorization'] });
    if (options.refuse) {
      downstream.end(`HTTP/1.1 ${options.refuse} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const upstream = connect(Number(port), hostname, () => {
      downstream.write('HTTP/1.1 200 Connection established\r\n\r\n');
      downstream.pipe(upstream);
      if (options.singleBytes) void sendSingleBytes(upstream, downstream).catch(() => downstream.destroy());
      else upstream.pipe(downstream);
    });
    upstream.on('error', () => downstream.destroy());
    downstream.on('error', () => undefined).once('close', () => upstream.destroy());
  });
  return { ...(await listenLocally(server)), connectRequests };
}

async function sendSingleBytes(from: Socket, to: Socket): Promise<void> {
  const write = promisify((byte: Buffer, done: (error?: Error | null) => void) => to.write(byte, done));
  for await (const chunk of from) for (const byte of chunk) await write(Buffer.of(byte));
  to.end();
}

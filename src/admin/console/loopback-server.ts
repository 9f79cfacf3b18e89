import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  connectionsCheckingInterval: 1_000,
} as const;
const ATTEMPTS = 20;
/** Maximum number of open connections to a loopback port, on both addresses. */
export const LOOPBACK_CONNECTIONS = 256;

/** Limits open connections: if there are too many, `add` closes an earlier connection or the new one. */
interface Connections {
  add(socket: Socket): void;
}

/** An HTTP server on the loopback addresses of this machine. */
export interface LoopbackServer {
  readonly port: number;
  /** Passes the requests for this host and port to `listener`, and refuses all others. */
  serve(host: string, listener: RequestListener): void;
  close(): void;
}

/**
 * Listens on one port of 127.0.0.1 and ::1; port 0 chooses a free one. Browsers connect to either address for a name under
 * `localhost`, and another user of the machine could listen on an address that is left out. `connections` limits the connections,
 * which every user of the machine can open. Rejects if the port is in use.
 */
export async function listenOnLoopback(port: number, connections: Connections): Promise<LoopbackServer> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await listenOn('127.0.0.1', port, connections);
    const chosen = (first.address() as AddressInfo).port;
    try {
      return loopbackServer([first, await listenOn('::1', chosen, connections)], chosen);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Without IPv6 no other user can listen there either.
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return loopbackServer([first], chosen);
      first.close();
      if (code !== 'EADDRINUSE' || port !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

async function listenOn(host: string, port: number, connections: Connections): Promise<Server> {
  const server = createServer(LIMITS);
  server.on('connection', (socket) => connections.add(socket));
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
  return server;
}

function loopbackServer(servers: readonly Server[], port: number): LoopbackServer {
  return {
    port,
    serve(host, listener) {
      for (const server of servers) {
        server.on('request', (request, response) => {
          // DNS rebinding: pages of another site could read the responses if its name resolved to this machine.
          if (request.headers.host === `${host}:${port}`) return listener(request, response);
          response.writeHead(421, { 'content-type': 'text/plain', connection: 'close' });
          response.end('This host is not served here.\n');
        });
      }
    },
    close() {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

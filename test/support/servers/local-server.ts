import { once } from 'node:events';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** A server that listens on 127.0.0.1. */
export interface LocalServer {
  readonly port: number;
  /** Stops listening and ends all connections. */
  close(): Promise<void>;
}

/** Starts a server on 127.0.0.1. Port 0 selects a free port. */
export async function listenLocally(server: Server, port = 0): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Connects a client to a server on 127.0.0.1, until either side ends the connection or it fails. */
export function relayTo(port: number, client: Socket): void {
  pipeline(client, connect(port, '127.0.0.1'), client, () => undefined);
}

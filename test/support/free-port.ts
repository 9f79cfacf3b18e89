import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

// Below those that systems give to whoever asks for any port, which would be taken again before they are used.
const PORTS = { lowest: 20_000, count: 12_000 };

/** Ports of 127.0.0.1 that nobody listens on now, each another one, and that nobody is given by chance. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = PORTS.lowest + Math.floor(Math.random() * PORTS.count);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** One such port. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

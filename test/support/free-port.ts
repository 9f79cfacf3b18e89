import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

// Below the ephemeral ports: the kernel could assign one of those to another socket before the test uses it.
const PORTS = { lowest: 20_000, count: 12_000 };

/** Returns different free ports of 127.0.0.1. None of them is an ephemeral port. */
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

/** Returns one free port, as {@link freePorts} does. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Starts an API server that accepts connections and never responds. Writes a kubeconfig for it into `file`. */
export async function startSilentApiServer(file: string) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = {
    'current-context': 'silent',
    clusters: [{ name: 'silent', cluster: { server: `https://127.0.0.1:${port}` } }],
    users: [{ name: 'silent', user: { token: 'none' } }],
    contexts: [{ name: 'silent', context: { cluster: 'silent', user: 'silent' } }],
  };
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  return {
    kubeconfig: file,
    isConnected: () => sockets.length > 0,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

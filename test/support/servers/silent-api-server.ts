import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { listenLocally } from './local-server.js';

/** Starts an API server that accepts connections and never responds. Writes a kubeconfig for it into `file`. */
export async function startSilentApiServer(file: string) {
  let isConnected = false;
  const server = createServer(() => {
    isConnected = true;
  });
  const { port, close } = await listenLocally(server);
  const config = {
    'current-context': 'silent',
    clusters: [{ name: 'silent', cluster: { server: `https://127.0.0.1:${port}` } }],
    users: [{ name: 'silent', user: { token: 'none' } }],
    contexts: [{ name: 'silent', context: { cluster: 'silent', user: 'silent' } }],
  };
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  return { kubeconfig: file, isConnected: () => isConnected, close };
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ApiRequest } from '../../src/platforms/kubernetes/api/api-transport.js';
import type { Change, SimulatedApiServer } from './simulated-api-server.js';

/** Serves a simulated API server over HTTP, for programs that connect with a kubeconfig. */
export async function serveApi(api: SimulatedApiServer) {
  const http = createServer((request, response) => void answer(api, request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  // Without it the package @kubernetes/client-node refuses HTTP.
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  return {
    kubeconfig: JSON.stringify({
      'current-context': 'simulated',
      contexts: [{ name: 'simulated', context: { cluster: 'simulated', user: 'simulated' } }],
      clusters: [{ name: 'simulated', cluster }],
      users: [{ name: 'simulated', user: {} }],
    }),
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

async function answer(
  api: SimulatedApiServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url: path = '', headers } = request;
  if (path.includes('watch=true')) return watch(api, path, response);
  const body = await text(request);
  const { status, body: answered } = api.handle({
    method: request.method as ApiRequest['method'],
    path,
    body: body === '' ? undefined : JSON.parse(body),
    contentType: headers['content-type'] ?? '',
  });
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
}

function watch(api: SimulatedApiServer, path: string, response: ServerResponse): void {
  const { past, selects, timeoutMs } = api.watch(path);
  if ('status' in past) {
    response.writeHead(past.status).end(JSON.stringify(past.body));
    return;
  }
  const send = ({ type, object }: Change) => response.write(`${JSON.stringify({ type, object })}\n`);
  response.writeHead(200).flushHeaders();
  past.forEach(send);
  const unfollow = api.follow((change) => selects(change) && send(change));
  const timer = setTimeout(() => response.end(), timeoutMs);
  response.once('close', () => {
    unfollow();
    clearTimeout(timer);
  });
}

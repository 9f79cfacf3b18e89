import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { expect, it } from 'vitest';
import { drain } from '../../../src/time/drain.js';
import { listenLocally } from '../../support/servers/local-server.js';

it.each([
  ['ends', 1_000],
  ['exceeds the limit', 10],
])('calls `done` once for a request that %s', async (_, maxBytes) => {
  let calls = 0;
  const server = createServer((received, response) => {
    drain(received, maxBytes, () => {
      calls += 1;
      response.end();
    });
  });
  const { port } = await listenLocally(server);
  const sent = request({ port, host: '127.0.0.1', method: 'POST' });
  sent.end(Buffer.alloc(100));
  const [response] = await once(sent, 'response');
  await once(response.resume(), 'close');
  await once(server.close(), 'close');
  expect(calls).toBe(1);
});

import { createServer, type RequestListener } from 'node:http';
import express from 'express';
import { expect, it } from 'vitest';
import { messagesOf } from '../../../src/http/tls-listener.js';
import { releaseAfterTest } from '../../support/release.js';
import { listenLocally } from '../../support/servers/local-server.js';

it('the HTTP server creates messages with the prototypes that Express would set on them', async () => {
  const app = express();
  const { json } = app.response;
  const before: unknown[] = [];
  const server = createServer(messagesOf(app), (request, response) => {
    before.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response));
    (app as RequestListener)(request, response);
  });
  const seen: unknown[] = [];
  app.use((request, response) => {
    seen.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response), request.app, response.json);
    response.json({ path: request.path });
  });
  const { port } = releaseAfterTest(await listenLocally(server));
  const answer = await fetch(`http://127.0.0.1:${port}/there?q`);
  expect(await answer.json()).toEqual({ path: '/there' });
  const wanted = [...before, app, json];
  expect(seen).toHaveLength(wanted.length);
  for (const [at, one] of seen.entries()) expect(one).toBe(wanted[at]);
});

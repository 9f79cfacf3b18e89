import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { postWebhook } from '../../../src/client/webhook-client.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeIdentity } from '../../support/server-identity.js';
import { listenLocally } from '../../support/servers/local-server.js';

const listen = async (server: Server) => releaseAfterTest(await listenLocally(server)).port;

const message = { headers: { 'webhook-id': 'a' }, body: '{}' };
const post = (url: string, rules: { ca?: string; allowPrivate?: boolean } = {}) =>
  postWebhook(
    new URL(url),
    message,
    { clock: Date.now, allowPrivate: true, ...rules },
    new AbortController().signal,
  );
const accept = (request: IncomingMessage, response: ServerResponse) => {
  request.resume().on('end', () => response.writeHead(204).end());
};

describe('a message to a webhook receiver', () => {
  it('is sent over HTTPS to a server of the named CA, and to no other', async () => {
    const [identity, other] = [await makeIdentity(), await makeIdentity()];
    const port = await listen(createHttpsServer(identity, accept));
    for (const host of ['127.0.0.1', 'localhost'])
      await expect(post(`https://${host}:${port}/a?b=c`, { ca: identity.ca })).resolves.toBeUndefined();
    await expect(post(`https://127.0.0.1:${port}/`, { ca: other.ca })).rejects.toThrow('--webhook-ca');
    await expect(post(`https://127.0.0.1:${port}/`)).rejects.toThrow('--webhook-ca');
  });

  it('is not sent to a server whose certificate has expired, and the reason is the expiry', async () => {
    const { ca, ...expired } = await makeIdentity({ issuedAt: Date.now() - 3 * DAY_MS });
    const port = await listen(createHttpsServer(expired, accept));
    await expect(post(`https://127.0.0.1:${port}/`, { ca })).rejects.toThrow('expired at');
  });

  it.each([
    ...['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '169.254.169.254'],
    ...['10.0.0.1', '192.168.1.1', '[fd00::1]'],
  ])('is not sent to %s unless private addresses are allowed', async (host) => {
    await expect(post(`https://${host}/`, { allowPrivate: false })).rejects.toThrow(
      '--webhook-allow-private',
    );
    await expect(post(`http://${host}/`, { allowPrivate: false })).rejects.toThrow('https');
  });

  it('is never sent over HTTP to an address on the internet', async () => {
    await expect(post('http://192.0.2.1/')).rejects.toThrow('it requires an https URL');
  });

  it('is delivered to a receiver whose response does not end: only the beginning of the response is read', async () => {
    let written = 0;
    const port = await listen(
      createServer((_request, response) => {
        const write = () => {
          while (!response.destroyed && response.write('x'.repeat(65_536))) written += 65_536;
        };
        response.on('drain', write).writeHead(200);
        write();
      }),
    );
    await post(`http://127.0.0.1:${port}/`);
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  it.each([301, 404, 500])('is not delivered if the response has status %i', async (status) => {
    const port = await listen(createServer((_request, response) => void response.writeHead(status).end()));
    await expect(post(`http://127.0.0.1:${port}/`)).rejects.toThrow(`HTTP ${status}`);
  });
});

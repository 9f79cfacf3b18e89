import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { remoteAdministration } from '../../../src/client/remote-administration.js';
import { makeIdentity, type TestIdentity } from '../../support/server-identity.js';

const UID = '22c7dcf1-ef57-454f-98ff-fa5a79792832';

/** A request that the server received. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
}

describe('the client of the admin API', () => {
  let identity: TestIdentity;
  let server: Server;
  let seen: Seen[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  beforeEach(async () => {
    identity = await makeIdentity();
    seen = [];
    server = createServer(identity, (request, response) => {
      const { method = '', url: path = '', headers } = request;
      seen.push({
        method,
        path,
        key: headers['idempotency-key'] as string | undefined,
        authorization: headers.authorization,
      });
      request.resume().once('end', () => answer(request, response));
    });
    server.listen({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const client = (ca: string | undefined = identity.ca) => {
    const { port } = server.address() as AddressInfo;
    const url = new URL(`https://127.0.0.1:${port}`);
    return remoteAdministration({ url, ca, bearer: async () => 'the.bearer.token' }, { clock: Date.now });
  };
  const sendJson = (response: ServerResponse, status: number, body: unknown, type = 'application/json') =>
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
  const failure = (operation: Promise<unknown>) => operation.then(String, (error: unknown) => error);

  it('repeats a creation whose response was lost, with the same idempotency key', async () => {
    answer = (request, response) => {
      if (seen.length < 3) request.socket.destroy();
      else sendJson(response, 201, { uid: UID });
    };
    expect(await client().createGrant({ namespace: 'default', name: 'east' })).toEqual({ uid: UID });
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
    await client().createGrant({ namespace: 'default', name: 'west' });
    expect(seen[3]?.key).not.toBe(seen[0]?.key);
    expect(seen.every(({ authorization }) => authorization === 'Bearer the.bearer.token')).toBe(true);
  });

  it('repeats no other request, and reports that it may have been executed', async () => {
    answer = (request) => request.socket.destroy();
    const error = await failure(client().deleteGrant(UID));
    expect(error).toMatchObject({
      code: 'service_unavailable',
      message: expect.stringContaining('may have executed'),
    });
    expect(seen).toHaveLength(1);
    expect(await failure(client().showGrant(UID))).toMatchObject({ code: 'service_unavailable' });
    expect(seen).toHaveLength(4);
  });

  it('distinguishes a refusal of the service from a response of an intermediary', async () => {
    const problem = {
      code: 'grant_declared',
      detail: 'by a file',
      hint: 'change it there',
      choices: ['one'],
    };
    answer = (_request, response) => sendJson(response, 409, problem, 'application/problem+json');
    expect(await failure(client().deleteGrant(UID))).toMatchObject({
      name: 'AdministrationError',
      code: 'grant_declared',
      message: 'by a file',
      hint: 'change it there',
      choices: ['one'],
    });
    const others: readonly [number, string, string, string][] = [
      [502, 'text/html', '<h1>', 'service_unavailable'],
      [200, 'text/html', '<h1>', 'answer_invalid'],
      [302, 'text/html', '', 'redirect'],
      [200, 'application/json', '{', 'answer_invalid'],
      [418, 'application/problem+json', '{"code":"of_tomorrow","detail":"x"}', 'answer_invalid'],
      [500, 'application/json', 'null', 'answer_invalid'],
    ];
    for (const [status, type, body, code] of others) {
      answer = (_request, response) => response.writeHead(status, { 'content-type': type }).end(body);
      expect(await failure(client().showGrant(UID)), `${status} ${body}`).toMatchObject({ code });
    }
  });

  it('sends nothing to a server whose certificate another CA signed', async () => {
    const other = await makeIdentity();
    expect(await failure(client(other.ca).showGrant(UID))).toMatchObject({
      code: 'tls_untrusted',
      message: expect.stringContaining('--server-ca'),
    });
    expect(seen).toEqual([]);
  });
});

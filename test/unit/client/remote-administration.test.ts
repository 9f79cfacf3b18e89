import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { remoteAdministration } from '../../../src/client/remote-administration.js';
import { releaseAfterTest } from '../../support/release.js';
import { makeIdentity } from '../../support/server-identity.js';
import { serveHttps, type TestServer } from '../../support/servers/hostile-server.js';

const UID = '22c7dcf1-ef57-454f-98ff-fa5a79792832';

describe('the client of the admin API', () => {
  let server: TestServer;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  beforeEach(async () => {
    server = releaseAfterTest(await serveHttps((_seen, request, response) => answer(request, response)));
  });

  const client = (ca = server.token.ca) => {
    const url = new URL(`https://127.0.0.1:${server.port}`);
    return remoteAdministration({ url, ca, bearer: async () => 'the.bearer.token' }, { clock: Date.now });
  };
  const sendJson = (response: ServerResponse, status: number, body: unknown, type = 'application/json') =>
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
  const failure = (operation: Promise<unknown>) => operation.then(String, (error: unknown) => error);

  it('repeats a creation whose response was lost, with the same idempotency key', async () => {
    answer = (request, response) => {
      if (server.seen.length < 3) request.socket.destroy();
      else sendJson(response, 201, { uid: UID });
    };
    expect(await client().createGrant({ namespace: 'default', name: 'east' })).toEqual({ uid: UID });
    const keys = () => server.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys()).toHaveLength(3);
    expect(new Set(keys()).size).toBe(1);
    await client().createGrant({ namespace: 'default', name: 'west' });
    expect(keys()[3]).not.toBe(keys()[0]);
    for (const { headers } of server.seen) expect(headers.authorization).toBe('Bearer the.bearer.token');
  });

  it.each([{ items: [] }, [], { namespace: 7 }])(
    'refuses %j as the description of a service',
    async (body) => {
      answer = (_request, response) => sendJson(response, 200, body);
      expect(await failure(client().describeService())).toMatchObject({ code: 'answer_invalid' });
    },
  );

  it('passes on the idempotency key of the caller', async () => {
    const { name, ...spec } = server.token;
    const token = { apiVersion: 'skupper.io/v2alpha1', kind: 'AccessToken', metadata: { name }, spec };
    answer = (_request, response) => sendJson(response, 201, { uid: UID, token });
    const once = { caller: 'ada', key: 'key-of-the-browser' };
    await client().createGrant({ namespace: 'default', name: 'east' }, once);
    await client().issueToken({ grantUid: UID }, once);
    expect(server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual([once.key, once.key]);
  });

  it('reports that a creation may have been executed if every response was lost', async () => {
    answer = (request) => request.socket.destroy();
    expect(await failure(client().createGrant({ namespace: 'default', name: 'east' }))).toMatchObject({
      code: 'service_unavailable',
      message: expect.stringContaining('may have executed'),
    });
    expect(server.seen).toHaveLength(3);
  });

  it('reports that a creation may have been executed if its repetition fails in another way', async () => {
    const times: number[] = [];
    answer = (request, response) => {
      times.push(performance.now());
      if (server.seen.length === 1) request.socket.destroy();
      else response.writeHead(502, { 'content-type': 'text/html' }).end();
    };
    expect(await failure(client().issueToken({ grantUid: UID }))).toMatchObject({
      code: 'service_unavailable',
      message: expect.stringMatching(/is not an admin API \(HTTP 502\)\. The service may have executed/),
    });
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThan(900);
  });

  it('repeats a read whose response was lost, but no deletion, and reports that the deletion may have been executed', async () => {
    answer = (request) => request.socket.destroy();
    const error = await failure(client().deleteGrant(UID));
    expect(error).toMatchObject({
      code: 'service_unavailable',
      message: expect.stringContaining('may have executed'),
    });
    expect(server.seen).toHaveLength(1);
    expect(await failure(client().showGrant(UID))).toMatchObject({
      code: 'service_unavailable',
      message: expect.not.stringContaining('may have executed'),
    });
    expect(server.seen).toHaveLength(4);
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
    expect(server.seen).toEqual([]);
  });
});

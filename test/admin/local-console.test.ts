import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { storeAdministration } from '../../src/compose/administration-dependencies.js';
import { type LocalConsole, startLocalConsole } from '../../src/compose/local-console.js';
import { RedemptionError } from '../../src/domain/redemption-error.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { startTestService } from '../support/service.js';

const INDEX = '<!doctype html><title>linkgrant</title>\n';
const PAGES = new Map([
  ['index.html', Buffer.from(INDEX)],
  ['assets/index-1a2b3c.js', Buffer.from('document.title;\n')],
]);

const service = releaseAfterFile(await startTestService());

describe('the console of a terminal', () => {
  let running: LocalConsole;
  let opened: string[];
  let readinessChecks: number;
  let listFailure: Error | undefined;
  let storeFailure: string | undefined;

  beforeEach(async () => {
    opened = [];
    readinessChecks = 0;
    listFailure = undefined;
    storeFailure = undefined;
    const administration = storeAdministration({
      ...{
        store: service.store,
        actor: { actor: 'local:ada' },
        dataDir: service.directory,
        clock: service.clock.read,
      },
      checkReadiness: async () => {
        readinessChecks += 1;
        if (storeFailure === undefined) return [];
        return [{ check: 'store', status: 'error', message: storeFailure }];
      },
    });
    running = releaseAfterTest(
      await startLocalConsole({
        administration: {
          ...administration,
          listGrants: async (filter) => {
            if (listFailure) throw listFailure;
            return administration.listGrants(filter);
          },
        },
        where: 'data directory /var/lib/linkgrant',
        port: 0,
        files: PAGES,
        user: 'ada',
        role: 'operator',
        clock: service.clock.read,
        onOpen: (outcome) => opened.push(outcome),
        logger: pino({ level: 'silent' }),
      }),
    );
  });

  const hostOf = () => new URL(running.origin).host;
  const send = async (
    path: string,
    { method = 'GET', headers = {}, json }: { method?: string; headers?: object; json?: unknown } = {},
  ) => {
    const sent = request({
      ...{ host: '127.0.0.1', port: running.port, path, method, agent: false },
      headers: {
        host: hostOf(),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    sent.end(json === undefined ? '' : JSON.stringify(json));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let body = '';
    for await (const piece of answer) body += String(piece);
    return { status: answer.statusCode, headers: answer.headers, body };
  };
  const pathOf = (url: string) => url.slice(new URL(url).origin.length);
  const open = async (url = running.issueUrl()) => {
    const { headers } = await send(pathOf(url));
    return String(headers['set-cookie']?.[0]).split(';')[0] ?? '';
  };
  const write = (headers: object) =>
    send('/api/v1/grants', { method: 'POST', headers, json: { name: `grant-${randomUUID()}` } });
  const codeOf = (body: string) => (JSON.parse(body) as { code: string }).code;

  it('starts a session from a one-time URL, with a cookie that no script and no other site can use', async () => {
    const answer = await send(pathOf(running.issueUrl()));
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe('/console/');
    expect(answer.headers['referrer-policy']).toBe('no-referrer');
    expect(answer.headers['set-cookie']?.[0]).toMatch(/^[^;]{60,}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(opened).toEqual(['opened']);
  });

  it('shows the user, and lets the session read and write through the admin API', async () => {
    const cookie = await open();
    expect(JSON.parse((await send('/console/session', { headers: { cookie } })).body)).toEqual({
      user: 'ada',
      role: 'operator',
      where: 'data directory /var/lib/linkgrant',
      version: expect.stringMatching(/^\d/),
      canSignOut: false,
    });
    expect((await send('/api/v1/grants', { headers: { cookie } })).status).toBe(200);
    const created = await write({ cookie, origin: running.origin });
    expect(created.status).toBe(201);
    const { items } = await service.store.listLedger({ limit: 10, grantUid: JSON.parse(created.body).uid });
    expect(items.map(({ detail }) => detail.actor)).toEqual(['local:ada']);
  });

  it.each(['overview', 'health'])(
    'shares an answer of %s between requests that arrive together',
    async (path) => {
      const cookie = await open();
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => send(`/api/v1/${path}`, { headers: { cookie } })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
      expect(readinessChecks).toBeGreaterThan(0);
      expect(readinessChecks).toBeLessThanOrEqual(10);
    },
  );

  it('reports why a remote service or a cluster cannot be reached', async () => {
    const cookie = await open();
    const list = async () => {
      const { status, body } = await send('/api/v1/grants', { headers: { cookie } });
      return [status, (JSON.parse(body) as { detail: string }).detail];
    };
    listFailure = new RedemptionError('connection_refused', '10.0.0.7:9443 accepts no connection.');
    expect(await list()).toEqual([503, '10.0.0.7:9443 accepts no connection']);
    listFailure = new RedemptionError('internal', 'the store refused a statement');
    expect(await list()).toEqual([500, expect.stringContaining('unexpected')]);
  });

  it('describes what prevents redemptions, until nothing does', async () => {
    const cookie = await open();
    const problem = async () => {
      const { body } = await send('/api/v1/service', { headers: { cookie } });
      return (JSON.parse(body) as { problem?: string }).problem;
    };
    storeFailure = 'the disk is full';
    expect(await problem()).toBe('store: the disk is full');
    storeFailure = undefined;
    expect(await problem()).toBeUndefined();
  });

  it('refuses the second use of a one-time URL, and reports it', async () => {
    const url = running.issueUrl();
    await open(url);
    const second = await send(pathOf(url));
    expect(second.status).toBe(403);
    expect(second.headers['set-cookie']).toBeUndefined();
    expect(opened).toEqual(['opened', 'repeated']);
  });

  it('refuses a one-time URL that is 60 seconds old, and one that was not issued', async () => {
    const url = running.issueUrl();
    service.clock.advance(60_000);
    for (const path of [
      pathOf(url),
      '/console/open?code=x',
      '/console/open',
      '/console/open?code=x&code=y',
    ]) {
      expect((await send(path)).status, path).toBe(403);
    }
    expect(opened).toEqual([]);
  });

  it('does not report an expired URL as used when it is opened again, and has a text for each on its page', async () => {
    const [used, expired] = [running.issueUrl(), running.issueUrl()];
    await open(used);
    service.clock.advance(60_000);
    const pages = [await send(pathOf(expired)), await send(pathOf(expired)), await send(pathOf(used))];
    expect(pages.map(({ status }) => status)).toEqual([403, 403, 403]);
    const [first, second, third] = pages.map(({ body }) => body);
    expect(first).toContain('has expired');
    expect(second).toBe(first);
    expect(third).toContain('was used before');
    expect(opened).toEqual(['opened', 'repeated']);
  });

  it('opens the console for a URL that was used before if the browser has the session', async () => {
    const url = running.issueUrl();
    const cookie = await open(url);
    const again = await send(pathOf(url), { headers: { cookie } });
    expect([again.status, again.headers.location]).toEqual([303, '/console/']);
    expect(again.headers['set-cookie']).toBeUndefined();
    expect(opened).toEqual(['opened', 'repeated']);
  });

  it('sets HSTS for no other host of the domain', async () => {
    const cookie = await open();
    for (const path of [
      '/console/',
      '/console/assets/index-1a2b3c.js',
      '/console/assets/x',
      '/api/v1/grants',
    ]) {
      const { headers } = await send(path, { headers: { cookie } });
      expect(headers['strict-transport-security'], path).toMatch(/^max-age=\d+$/);
    }
  });

  it.each([
    ['send nothing', ''],
    ['send part of a request', 'GET /console/ HTTP/1.1\r\nhost: x\r\n'],
    ['have sent a request that was refused', 'GET /console/ HTTP/1.1\r\nhost: x\r\n\r\n'],
  ])(
    'stays open to its owner beside 300 connections of another user to each address that %s',
    async (_title, bytes) => {
      const cookie = await open();
      const streaming = request({
        ...{ host: '127.0.0.1', port: running.port, path: '/api/v1/changes', agent: false },
        headers: { host: hostOf(), cookie, accept: 'text/event-stream' },
      });
      streaming.end();
      const [stream] = (await once(streaming, 'response')) as [IncomingMessage];
      releaseAfterTest({ close: () => stream.destroy() });
      for (let count = 0; count < 600; count += 1) {
        const socket = connect({ host: count % 2 === 0 ? '127.0.0.1' : '::1', port: running.port });
        releaseAfterTest({ close: () => socket.destroy() });
        socket.on('error', () => undefined).resume();
        await once(socket, 'connect');
        socket.write(bytes);
      }
      expect((await send('/api/v1/grants', { headers: { cookie } })).status).toBe(200);
      expect((await send(pathOf(running.issueUrl()))).status).toBe(303);
      expect(stream.closed).toBe(false);
      expect((await write({ cookie, origin: running.origin })).status).toBe(201);
      const [change] = (await once(stream, 'data')) as [Buffer];
      expect(String(change)).toMatch(/^event: /);
    },
  );

  it('does not use up a one-time URL for HEAD', async () => {
    const url = running.issueUrl();
    await send(pathOf(url), { method: 'HEAD' });
    expect((await send(pathOf(url))).status).toBe(303);
  });

  it('refuses a client without a session, or with the session of another console', async () => {
    const own = await open();
    for (const cookie of [
      '',
      'other=x',
      own.replace(/=.*/, '=x'),
      own.replace(/^[^=]+/, 'linkgrant-console'),
    ]) {
      const headers = { cookie };
      expect(JSON.parse((await send('/console/session', { headers })).body)).toEqual({ signIn: null });
      expect((await send('/console/session', { headers })).status).toBe(401);
      expect((await send('/api/v1/grants', { headers })).status).toBe(401);
      expect((await write({ ...headers, origin: running.origin })).status).toBe(401);
    }
  });

  it('accepts no bearer token', async () => {
    expect((await send('/api/v1/grants', { headers: { authorization: 'Bearer a.b.c' } })).status).toBe(401);
  });

  it('answers no request for another host, whose name may resolve to this machine', async () => {
    const cookie = await open();
    const { port } = running;
    const name = hostOf();
    for (const host of [
      `evil.example:${port}`,
      `127.0.0.1:${port}`,
      'localhost',
      `x.${name}`,
      `${name}.`,
      '',
    ]) {
      for (const path of ['/console/', '/console/session', '/api/v1/grants', pathOf(running.issueUrl())]) {
        const answer = await send(path, { headers: { host, cookie } });
        expect(answer.status, `${host} ${path}`).toBe(421);
        expect(answer.headers['set-cookie']).toBeUndefined();
      }
    }
  });

  it('refuses writes of other origins, and of a page that does not name its origin', async () => {
    const cookie = await open();
    const { origin } = running;
    for (const headers of [
      {},
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { origin: `http://127.0.0.1:${running.port}` },
      { origin: origin.replace('http:', 'https:') },
      { origin, 'sec-fetch-site': 'same-site' },
      { origin, 'sec-fetch-site': 'cross-site' },
      { origin, 'sec-fetch-site': 'none' },
    ]) {
      const answer = await write({ cookie, ...headers });
      expect(answer.status, JSON.stringify(headers)).toBe(403);
      expect(codeOf(answer.body)).toBe('origin_refused');
    }
    expect((await write({ cookie, origin, 'sec-fetch-site': 'same-origin' })).status).toBe(201);
  });

  it('refuses reads of pages of other origins', async () => {
    const cookie = await open();
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
    ]) {
      expect((await send('/api/v1/grants', { headers: { cookie, ...headers } })).status).toBe(403);
    }
    expect((await send('/api/v1/grants', { headers: { cookie, 'sec-fetch-site': 'none' } })).status).toBe(
      200,
    );
  });

  it('lets no other origin read its answers', async () => {
    const cookie = await open();
    const origin = 'https://evil.example';
    const preflight = { origin, 'access-control-request-method': 'POST' };
    for (const answer of [
      await send('/api/v1/grants', { method: 'OPTIONS', headers: { cookie, ...preflight } }),
      await send('/console/session', { headers: { cookie, origin } }),
      await send('/console/', { headers: { cookie, origin } }),
    ]) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
      expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
    }
  });

  it('serves the pages under a policy that allows nothing inline and nothing of other hosts', async () => {
    for (const path of ['/console/', '/console/links/4d1c?tab=ledger', '/console/assets/index-1a2b3c.js']) {
      expect((await send(path)).headers['content-security-policy'], path).toBe(
        "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;font-src 'self';connect-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'",
      );
    }
  });

  it('serves index.html for every path of the pages, and caches only what has a hash in its name', async () => {
    for (const path of [
      '/console/',
      '/console/grants',
      '/console/links/4d1c/x.y',
      '/console/..%2f..%2fetc%2fpasswd',
    ]) {
      const answer = await send(path);
      expect([answer.status, answer.body, answer.headers['cache-control']], path).toEqual([
        200,
        INDEX,
        'no-store',
      ]);
    }
    const script = await send('/console/assets/index-1a2b3c.js');
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(script.headers['content-type']).toMatch(/^text\/javascript/);
    expect((await send('/console/assets/gone.js')).status).toBe(404);
    expect((await send('/console/', { method: 'POST' })).status).toBe(404);
    expect((await send('/console')).headers.location).toBe('/console/');
  });

  it('listens on loopback addresses only, and on both of them', async () => {
    const name = hostOf();
    for (const host of ['127.0.0.1', '::1']) {
      const socket = connect({ host, port: running.port });
      socket.end(`GET /console/session HTTP/1.1\r\nhost: ${name}\r\nconnection: close\r\n\r\n`);
      let text = '';
      for await (const piece of socket) text += String(piece);
      expect(text).toMatch(/^HTTP\/1\.1 401 /);
    }
    const other = createServer().listen({ host: '127.0.0.2', port: running.port });
    await once(other, 'listening');
    other.close();
  });
});

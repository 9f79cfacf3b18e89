import { getEventListeners, once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ApiRequest,
  exchangeJson,
  openResponse,
} from '../../../../../src/platforms/kubernetes/api/api-transport.js';
import type { ClusterAccess } from '../../../../../src/platforms/kubernetes/api/cluster-access.js';
import { openTelemetryTracer } from '../../../../../src/tracing/open-telemetry.js';
import { inSpan, setTracer } from '../../../../../src/tracing/span.js';
import { releaseAfterTest } from '../../../../support/release.js';
import { attributesOf, Collector } from '../../../../support/servers/trace-collector.js';
import { until } from '../../../../support/until.js';

let server: Server;
let agent: Agent;
let port: number;
let connections: number;
let requestLines: string[];

/** Answers with an object; paths that end in `/hangs`, `/stops`, `/missing` or `/large` get no answer, half of one, 404 or 17 MiB. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  requestLines.push(`${request.method} ${request.url}`);
  request.resume();
  if (request.url?.endsWith('/hangs')) return;
  if (request.url?.endsWith('/stops')) {
    response.writeHead(200, { 'content-length': 100 });
    response.write('{"a":');
    return;
  }
  response.statusCode = request.url?.endsWith('/missing') ? 404 : 200;
  response.end(request.url?.endsWith('/large') ? Buffer.alloc(17 * 1024 * 1024) : '{"ok":true}');
}

beforeEach(async () => {
  [connections, requestLines] = [0, []];
  server = createServer(answer).on('connection', () => {
    connections += 1;
  });
  server.listen(0);
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});
afterEach(async () => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function accessTo(href = `http://127.0.0.1:${port}`): ClusterAccess {
  const access = { server: new URL(href), agent, headers: {} };
  return { namespace: undefined, current: async () => access, close: () => undefined };
}

const request = (path: string, signal: AbortSignal, method: ApiRequest['method'] = 'GET'): ApiRequest => ({
  method,
  path,
  signal,
  description: 'get things',
});

/** Waits until no listener is left on `signal`. */
const noListenersOf = (signal: AbortSignal) => until(() => getEventListeners(signal, 'abort').length === 0);

/** Sends a request and aborts it after 30 ms; returns its outcome and its signal. */
async function sendAndAbort(path: string, method?: ApiRequest['method']) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException('late', 'TimeoutError')), 30);
  const outcome = await exchangeJson(accessTo(), request(path, controller.signal, method)).catch(
    (error: unknown) => error,
  );
  clearTimeout(timer);
  return { outcome, signal: controller.signal };
}

describe('a request to the API server', () => {
  it.each(['GET', 'POST'] as const)('ends when its signal is aborted: %s', async (method) => {
    for (const path of ['/hangs', '/stops']) {
      const { outcome, signal } = await sendAndAbort(path, method);
      expect(outcome).toMatchObject({
        ...{ name: 'ApiError', reason: 'unavailable', outcomeUnknown: true },
        cause: { name: 'TimeoutError' },
      });
      await noListenersOf(signal);
    }
  });

  it('ends when its signal is aborted while it waits for a connection', async () => {
    const first = new AbortController();
    const hanging = exchangeJson(accessTo(), request('/hangs', first.signal));
    await until(() => requestLines.length === 1);
    const { outcome } = await sendAndAbort('/things', 'POST');
    // The second request was not sent.
    expect(outcome).toMatchObject({ reason: 'unavailable', outcomeUnknown: false });
    // The first request still has the connection.
    first.abort();
    await expect(hanging).rejects.toMatchObject({ reason: 'unavailable' });
    await exchangeJson(accessTo(), request('/next', new AbortController().signal));
    expect(requestLines).toEqual(['GET /hangs', 'GET /next']);
  });

  it('is not sent with a signal that is already aborted', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(exchangeJson(accessTo(), request('/things', controller.signal))).rejects.toMatchObject({
      reason: 'unavailable',
    });
    await noListenersOf(controller.signal);
    await exchangeJson(accessTo(), request('/next', new AbortController().signal));
    expect(requestLines).toEqual(['GET /next']);
  });

  it('fails with the status of a response that is too large', async () => {
    const sent = exchangeJson(accessTo(), request('/large', new AbortController().signal));
    await expect(sent).rejects.toMatchObject({
      reason: 'too_large',
      message: 'get things: HTTP 200 (ResponseTooLarge)',
    });
  });

  it('leaves no listener on its signal, and its connection to the next request', async () => {
    const { signal } = new AbortController();
    const access = accessTo();
    expect(await exchangeJson(access, request('/things', signal))).toEqual({ ok: true });
    await expect(exchangeJson(access, request('/missing', signal))).rejects.toMatchObject({
      message: expect.stringContaining('HTTP 404'),
    });
    const stream = await openResponse(access, request('/things', signal));
    expect(await stream.toArray()).toHaveLength(1);
    await noListenersOf(signal);
    expect(connections).toBe(1);
  });

  const servers: [string, () => string, string][] = [
    ['a path', () => `http://127.0.0.1:${port}/clusters/west%20end/`, '/clusters/west%20end/things?limit=1'],
  ];
  const hasIpv6 = Object.values(networkInterfaces()).some((found) =>
    found?.some(({ address }) => address === '::1'),
  );
  // Skipped on a machine without IPv6.
  if (hasIpv6) servers.push(['an IPv6 address', () => `http://[::1]:${port}`, '/things?limit=1']);
  it.each(servers)('reaches a server at %s', async (_what, href, path) => {
    const { signal } = new AbortController();
    await exchangeJson(accessTo(href()), request('/things?limit=1', signal));
    expect(requestLines).toEqual([`GET ${path}`]);
  });
});

describe('a traced request to the API server', () => {
  afterEach(() => {
    setTracer(undefined);
    vi.unstubAllEnvs();
  });

  it('is a span with verb, kind and status in the trace of its operation, and without the name of the resource', async () => {
    const collector = releaseAfterTest(await Collector.start());
    for (const [name, value] of Object.entries(collector.env)) vi.stubEnv(name, value);
    const tracer = await openTelemetryTracer({
      protocol: 'http/json',
      version: '0',
      timeoutMs: undefined,
      onFailing: () => undefined,
    });
    setTracer(tracer);
    const { signal } = new AbortController();
    const send = (path: string) =>
      exchangeJson(accessTo(), { ...request(path, signal), description: 'get secrets west/private-name' });
    await send('/outside');
    await inSpan({ name: 'operation', startsTrace: true }, async () => {
      await send('/found');
      await send('/missing').catch(() => undefined);
    });
    await tracer.flush();
    expect(collector.spans.map(({ name }) => name).sort()).toEqual([
      'get secrets',
      'get secrets',
      'operation',
    ]);
    const operation = collector.spans.find(({ name }) => name === 'operation');
    const requests = collector.spans.filter(({ parentSpanId }) => parentSpanId === operation?.spanId);
    const [found, missing] = requests.map(attributesOf);
    expect(found).toEqual({ 'http.request.method': 'GET', 'http.response.status_code': 200 });
    expect(missing).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 404,
      'error.type': 'no_such_kind',
    });
    expect(collector.text).not.toContain('private-name');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminService, signBearer, startAdminService } from '../support/admin-api.js';
import { metricOf } from '../support/operations.js';
import { releaseAfterTest } from '../support/release.js';
import { HOUR } from '../support/service.js';
import { exchange, openIdle, openWire, parseResponse, type WireResponse } from '../support/wire.js';

const GUESSER = '127.0.0.66';
const BUDGET = 30;

let service: AdminService;
beforeEach(async () => {
  service = releaseAfterTest(await startAdminService());
});

const head = (method: string, ...lines: readonly string[]) =>
  `${[`${method} /api/v1/grants HTTP/1.1`, 'Host: h', `Authorization: Bearer ${service.operator}`, ...lines].join('\r\n')}\r\n\r\n`;
const metric = (series: string) => metricOf(service, series);

function expectProblem(answer: WireResponse, status: number, code: string): void {
  expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
  expect(JSON.parse(answer.body)).toMatchObject({ status, code, detail: expect.stringMatching(/\w/) });
  expect(answer.headers['linkgrant-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(answer.headers.connection).toBe('close');
}

describe('the admin API', () => {
  it('limits the time for headers and body, and answers a slow client with 408', async () => {
    const slow = [
      'GET /api/v1/grants HTTP/1.1\r\nHost: h',
      head('POST', 'Content-Type: application/json', 'Content-Length: 20'),
    ];
    const wires = await Promise.all(slow.map(() => openWire(service.admin)));
    for (const [at, wire] of wires.entries()) wire.send(slow[at] as string);
    wires[1]?.send('{"name":');
    for (const { ended } of wires) expectProblem(parseResponse(await ended), 408, 'request_timeout');
    await expect
      .poll(() => service.logged('admin_refused'))
      .toMatchObject([{ method: 'POST', status: 408, code: 'request_timeout' }]);
    expect(await metric('linkgrant_admin_refusals_total{code="request_timeout"}')).toBe(1);
    expect(await metric('linkgrant_admin_refusals_total{code="unreadable"}')).toBe(1);
    expect((await service.ask('GET', '/api/v1/grants', { bearer: service.operator })).body).toContain(
      '"items":[]',
    );
  });

  it('answers an invalid HTTP request with a request id that its log contains', async () => {
    const broken: readonly [string, number, string][] = [
      ['hello\r\n\r\n', 400, 'request_invalid'],
      [head('GET', `x: ${'y'.repeat(20_000)}`), 431, 'request_too_large'],
    ];
    for (const [bytes, status, code] of broken) {
      const answer = await exchange(service.admin, bytes);
      expectProblem(answer, status, code);
      const id = answer.headers['linkgrant-request-id'];
      expect(service.logged().filter(({ requestId }) => requestId === id)).toMatchObject([
        { event: 'admin_unreadable', status, peer: '127.0.0.1' },
      ]);
    }
  });

  it('counts responses by route and status, and refusals by code, and logs the id of each request', async () => {
    const bearer = service.operator;
    const answers = [
      await service.ask('GET', '/api/v1/grants', { bearer }),
      await service.ask('GET', '/api/v1/grants/22c7dcf1-ef57-454f-98ff-fa5a79792832', { bearer }),
      await service.ask('PUT', '/api/v1/grants', { bearer }),
      await service.ask('GET', '/nowhere', { bearer }),
      await service.ask('GET', '/api/v1/grants'),
    ];
    for (const answer of answers) {
      const id = answer.headers['linkgrant-request-id'];
      const lines = () => service.logged().filter(({ requestId }) => requestId === id);
      await expect.poll(lines).toMatchObject([{ status: answer.status, peer: '127.0.0.1' }]);
    }
    const counters = (await service.metricsText())
      .split('\n')
      .filter((line) => line.startsWith('linkgrant_admin_responses_total{'));
    expect(counters.sort()).toEqual([
      'linkgrant_admin_responses_total{method="GET",route="/api/v1/grants",status="200"} 1',
      'linkgrant_admin_responses_total{method="GET",route="/api/v1/grants/{uid}",status="404"} 1',
      'linkgrant_admin_responses_total{method="other",route="/api/v1/grants",status="405"} 1',
      'linkgrant_admin_responses_total{method="other",route="none",status="401"} 1',
      'linkgrant_admin_responses_total{method="other",route="none",status="404"} 1',
    ]);
    expect(await metric('linkgrant_admin_refusals_total{code="no_such_grant"}')).toBe(1);
    expect(
      await metric(
        'linkgrant_admin_response_duration_seconds_count{method="GET",route="/api/v1/grants/{uid}"}',
      ),
    ).toBe(1);
  });
});

describe('failed authentications', () => {
  it('failed authentications beyond the budget of an address get the same refusal, one log line and a counter', async () => {
    const expired = await signBearer(service.key, service.clock.read(), {
      expiresAt: service.clock.read() - HOUR,
    });
    const bad = [undefined, 'not-a-jwt', expired];
    for (let at = 0; at < BUDGET + 15; at += 1) {
      const answer = await service.ask('GET', '/api/v1/grants', { bearer: bad[at % 3], from: GUESSER });
      expect(answer.status).toBe(401);
    }
    await expect.poll(() => service.logged('admin_refused')).toHaveLength(BUDGET);
    expect(service.logged('authentications_limited')).toMatchObject([{ level: 40, source: GUESSER }]);
    expect(await metric('linkgrant_admin_authentications_limited_total')).toBe(15);
    const refused = () => metric('linkgrant_admin_responses_total{method="other",route="none",status="401"}');
    await expect.poll(refused).toBe(BUDGET + 15);
    const good = { bearer: service.operator, from: GUESSER };
    expect((await service.ask('POST', '/api/v1/grants', { ...good, json: { name: 'made' } })).status).toBe(
      201,
    );
  });
});

describe('connections to the admin API', () => {
  it('limits connections to 128 for each source: closes the oldest of that source', async () => {
    const [neighbour] = await openIdle(service.adminPort, 1, '127.0.0.2');
    const sockets = await openIdle(service.adminPort, 129, GUESSER);
    await expect.poll(() => sockets.filter((socket) => socket.closed)).toEqual([sockets[0]]);
    expect(neighbour?.closed).toBe(false);
    expect(await metric('linkgrant_connections{listener="admin",state="unproven"}')).toBe(129);
    expect(await metric('linkgrant_connections_dropped_total{listener="admin",reason="source_limit"}')).toBe(
      1,
    );
    for (const socket of [neighbour, ...sockets]) socket?.destroy();
  });

  it('limits connections to 500: closes the oldest without a valid bearer token', async () => {
    const body = '{"name":"made"}';
    const wire = await openWire(service.admin);
    wire.send(head('POST', 'Content-Type: application/json', `Content-Length: ${body.length}`));
    const proven = () => metric('linkgrant_connections{listener="admin",state="proven"}');
    await expect.poll(proven).toBe(1);
    const sources = [2, 3, 4, 5, 6, 7].map((host) => `127.0.0.${host}`);
    const sockets = (
      await Promise.all(sources.map((source) => openIdle(service.adminPort, 100, source)))
    ).flat();
    const dropped = () =>
      metric('linkgrant_connections_dropped_total{listener="admin",reason="total_limit"}');
    await expect.poll(dropped).toBe(101);
    expect(await metric('linkgrant_connections_limit{listener="admin"}')).toBe(500);
    wire.send(body);
    expect(parseResponse(await wire.ended).status).toBe(201);
    for (const socket of sockets) socket.destroy();
  });
});

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Flags } from '../../src/config/config.js';
import {
  type Content,
  METHODS,
  type Operation,
  openApi,
  type Parameter,
  problemsOf,
  resolve,
  resolved,
} from '../docs/openapi-document.js';
import type { AdminService } from '../support/admin-api.js';
import { csrHeader } from '../support/redeemed-answer.js';
import { post, type WireResponse } from '../support/wire.js';
import { anyJson, anyText, valuesOf } from './schema-values.js';

// Enough for every kind of response. The requests of a batch run concurrently, because an overview may take a second.
const BATCHES = 6;
const REQUESTS_OF_A_BATCH = 10;

interface Route {
  readonly path: string;
  readonly method: (typeof METHODS)[number];
  readonly operation: Operation;
  readonly parameters: readonly Parameter[];
}

/** A request as it goes over the wire. */
interface RequestParts {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const routes: Route[] = Object.entries(openApi.paths).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method];
    if (!operation) return [];
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolved);
    return [{ path, method, operation, parameters }];
  }),
);

let service: AdminService;
/** Ids and names of existing objects. Requests add more. */
const known: string[] = [];
const codes: string[] = [];
let nameCount = 0;
/** The listener and the status of each response so far. */
const seenStatuses = new Set<string>();

const ASCII = /^[\x20-\x7e]*$/;

/** Replaces lone surrogates, which a path cannot contain. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** Removes control characters, which no client sends in a header, and encodes the rest as UTF-8. */
function headerSafe(text: string): string {
  return Buffer.from(text.replace(/\p{Cc}/gu, ''), 'utf8').toString('latin1');
}

/** Well-formed cursors that no listing returned. */
function forgedCursors(): fc.Arbitrary<string> {
  const parts = fc.oneof(anyText(), fc.constantFrom(0, -1, 7, 1.5, 2 ** 53, 1e300));
  const keys = fc.array(parts, { minLength: 1, maxLength: 2 });
  return keys.map((key) => Buffer.from(JSON.stringify(key)).toString('base64url'));
}

/** Requests to a route that follow its description, or violate it in some parts. */
function requestsTo({ path, operation, parameters }: Route): fc.Arbitrary<RequestParts> {
  const good = (parameter: Parameter) =>
    parameter.name === 'cursor' ? forgedCursors() : valuesOf(parameter.schema, resolve, known).map(String);
  const valueFor = (parameter: Parameter) => fc.oneof({ weight: 4, arbitrary: good(parameter) }, anyText());
  const part = (where: Parameter['in']) => {
    const named = parameters.filter((parameter) => parameter.in === where);
    const values = Object.fromEntries(named.map((parameter) => [parameter.name, valueFor(parameter)]));
    return fc.record(values, {
      requiredKeys: named.filter(({ required }) => required).map(({ name }) => name),
    });
  };
  const stray = fc.tuple(anyText(), anyText());
  const strayQuery = fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, stray);
  return fc
    .record({
      path: part('path'),
      query: part('query'),
      header: part('header'),
      strayQuery,
      body: bodyOf(operation),
    })
    .map(({ body, ...parts }) => {
      const segments = parts.path as Record<string, string>;
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(wellFormed(segments[name] ?? '')),
      );
      const pairs = Object.entries(parts.query).map(([name, value]): [string, string] => [
        name,
        String(value),
      ]);
      const query = new URLSearchParams([
        ...pairs,
        ...(parts.strayQuery ? [parts.strayQuery] : []),
      ]).toString();
      const headers = Object.entries(parts.header).map(([name, value]) => [name, headerSafe(String(value))]);
      return {
        path: `${filled}${query === '' ? '' : `?${query}`}`,
        headers: { ...Object.fromEntries(headers), ...body.headers },
        body: body.text,
      };
    });
}

/** The members of an example, with an existing grant and one of five names. */
function validBody(example: unknown): object {
  const members = example as Record<string, unknown>;
  nameCount += 1;
  return {
    ...members,
    ...(members.grantUid !== undefined && { grantUid: known[1] }),
    ...(members.name !== undefined && { name: `created-${nameCount % 5}` }),
  };
}

function bodyOf(
  operation: Operation,
): fc.Arbitrary<{ readonly text: string; readonly headers: Record<string, string> }> {
  const reference = operation.requestBody?.$ref;
  if (reference === undefined) return fc.constant({ text: '', headers: {} });
  const { content } = resolve<{ content: Record<string, Content> }>(reference);
  const [type = '', { schema, example } = { schema: {}, example: {} }] = Object.entries(content)[0] ?? [];
  if (!type.endsWith('json')) {
    const text = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...codes) },
      anyText(),
      fc.constant('x'.repeat(20_000)),
    );
    return fc.record({
      text,
      headers: fc.constantFrom({}, csrHeader(), { accept: 'application/problem+json' }),
    });
  }
  const values = fc
    .tuple(valuesOf(schema, resolve, known), fc.boolean())
    // Few random values are valid in every member.
    .map(([value, isGood]) => (isGood ? validBody(example) : value));
  const spoilt = fc
    .tuple(values, anyText(), anyJson())
    .map(([value, name, stray]) => ({ ...(value as object), [name]: stray }));
  const json = fc
    .oneof({ weight: 5, arbitrary: values }, spoilt, anyJson())
    .map((value) => JSON.stringify(value) ?? '');
  const text = fc.oneof(
    { weight: 9, arbitrary: json },
    anyText(),
    fc.constant(`{"name":"${'x'.repeat(70_000)}"}`),
  );
  const headers = fc.oneof(
    { weight: 9, arbitrary: fc.constant({ 'content-type': 'application/json' }) },
    fc.constantFrom(
      {},
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=utf-16' },
    ),
  );
  return fc.record({ text, headers });
}

function isAdminRoute({ path }: Pick<Route, 'path'>): boolean {
  return /^\/(api|\.well-known)\//.test(path);
}

async function send(
  { path, method }: Route,
  request: RequestParts,
  bearer: string | undefined,
): Promise<WireResponse> {
  const isAdmin = isAdminRoute({ path });
  const target = isAdmin ? service.admin : service;
  const authorization = isAdmin && bearer !== undefined ? { authorization: `Bearer ${bearer}` } : {};
  const options = { method: method.toUpperCase(), headers: { ...request.headers, ...authorization } };
  return post(target, request.path, request.body, options);
}

/** False if a random path segment makes the path invalid, or leads to another route. */
function isOfRoute({ path }: Route, request: RequestParts): boolean {
  const [own = ''] = request.path.split('?');
  const parts = own.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  const wanted = path.split('/').filter((part) => part !== '');
  const isFilled = parts.length === wanted.length && !parts.includes('-') === !wanted.includes('-');
  return isFilled && ASCII.test(own);
}

/** Records the uid of a created object, so that later requests refer to it. */
function learn({ status, body }: WireResponse): void {
  if (status !== 201) return;
  const { uid } = JSON.parse(body) as { uid?: string };
  if (uid !== undefined && known.length < 40) known.push(uid);
}

/** Checks the responses to arbitrary requests, on every route of both listeners, against the OpenAPI document. */
export function describedAnswers(start: (flags: Flags) => Promise<AdminService>): void {
  beforeAll(async () => {
    service = await start({ allowRedeemByKey: 'true', loginClient: 'linkgrant-cli' });
    for (const redemptionsAllowed of [1, 1_000]) {
      const { grant, code } = await service.grant({
        redemptionsAllowed,
        name: `known-${redemptionsAllowed}`,
      });
      known.push(grant.uid);
      codes.push(code);
      await post(service, `/${grant.uid}`, code, { headers: csrHeader() });
    }
    for (const { id } of (await service.store.listRedemptions({ limit: 10 })).items) known.push(id);
  });
  afterAll(() => service.close());

  describe.each(routes)('$method $path', (route) => {
    it('returns only responses that openapi.yaml describes, and no 5xx, for arbitrary requests', async () => {
      const roles = fc.constantFrom('operator', 'operator', 'viewer', 'anonymous');
      const batch = fc.array(fc.tuple(requestsTo(route), roles), {
        minLength: REQUESTS_OF_A_BATCH,
        maxLength: REQUESTS_OF_A_BATCH,
      });
      const checkAnswer = async ([request, role]: readonly [RequestParts, string]) => {
        const bearer =
          role === 'operator' ? service.operator : role === 'viewer' ? service.viewer : undefined;
        const answer = await send(route, request, bearer);
        const problems = isOfRoute(route, request) ? problemsOf(route.path, answer, route.method) : [];
        expect(problems).toEqual([]);
        expect(answer.status).toBeLessThan(500);
        seenStatuses.add(`${isAdminRoute(route) ? 'admin' : 'public'} ${answer.status}`);
        learn(answer);
      };
      const property = fc.asyncProperty(batch, async (requests) => {
        await Promise.all(requests.map(checkAnswer));
      });
      await fc.assert(property, { numRuns: BATCHES });
    });

    it('refuses every other method as described', async () => {
      const described = METHODS.filter((method) => openApi.paths[route.path]?.[method]);
      for (const method of ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (described.some((one) => one.toUpperCase() === method)) continue;
        const path = route.path
          .replace(/\{\w*(uid|Uid|id)\}/g, known[0] ?? '')
          .replace(/\{\w+\}/g, 'default');
        const request = { path, headers: { accept: 'application/problem+json' }, body: '' };
        const answer = await send(
          { ...route, method: method.toLowerCase() as Route['method'] },
          request,
          service.operator,
        );
        expect(answer.status, method).toBe(405);
        expect(problemsOf(route.path, answer, route.method), method).toEqual([]);
      }
    });
  });

  it('openapi.yaml describes the responses for a grant that is created twice, redeemed and deleted', async () => {
    const routeOf = (path: string, method: Route['method']) =>
      routes.find((route) => route.path === path && route.method === method) as Route;
    const ask = async (route: Route, request: RequestParts, wanted: number): Promise<string> => {
      const answer = await send(route, request, service.operator);
      expect(problemsOf(route.path, answer, route.method)).toEqual([]);
      expect(answer.status, answer.body).toBe(wanted);
      return answer.body;
    };
    const headers = { 'content-type': 'application/json' };
    const path = '/api/v1/grants';
    const make = routeOf(path, 'post');
    const created = await ask(make, { path, headers, body: '{"name":"made-here"}' }, 201);
    await ask(make, { path, headers, body: '{"name":"made-here"}' }, 409);
    const { uid } = JSON.parse(created) as { readonly uid: string };
    const own = { path: `${path}/${uid}`, headers: {}, body: '' };
    await ask(routeOf('/api/v1/grants/{uid}', 'delete'), own, 204);
    const { grant, code } = await service.grant({ name: 'redeemed-here' });
    expect((await post(service, `/${grant.uid}`, code, { headers: csrHeader() })).status).toBe(200);
    const [redemption] = (await service.store.listRedemptions({ limit: 1, grantUid: grant.uid })).items;
    const detailRequest = { path: `/api/v1/redemptions/${redemption?.id}`, headers: {}, body: '' };
    const detail = await ask(routeOf('/api/v1/redemptions/{id}', 'get'), detailRequest, 200);
    expect(JSON.parse(detail)).toMatchObject({ grant: 'redeemed-here' });
  });

  it('the requests of this file produced responses with every expected status', () => {
    const statuses = [200, 400, 401, 403, 404, 413, 415, 422].map((status) => `admin ${status}`);
    const publicStatuses = [400, 403, 404, 413].map((status) => `public ${status}`);
    const missing = [...statuses, ...publicStatuses].filter((kind) => !seenStatuses.has(kind));
    expect(missing).toEqual([]);
  });
}

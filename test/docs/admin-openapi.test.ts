import { describe, expect, it } from 'vitest';
import { problemStatus } from '../../src/admin/api/admin-problem.js';
import { ADMIN_ROUTES, type AdminRoute } from '../../src/admin/api/routes.js';
import { ADMINISTRATION_ERROR_CODES } from '../../src/domain/administration-error.js';
import { type Schema, schemaProblems } from './matches-schema.js';
import { METHODS, openApi, resolve, resolved } from './openapi-document.js';

const paths = Object.entries(openApi.paths).filter(([path]) => path.startsWith('/api/'));
const operations = paths.flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method];
    return operation ? [{ path, method, item, operation }] : [];
  }),
);

function routeOf(method: string, path: string): AdminRoute {
  const route = ADMIN_ROUTES.find((one) => one.path === path && one.method === method);
  if (!route) throw new Error(`there is no route ${method} ${path}`);
  return route;
}

describe('openapi.yaml, admin API', () => {
  it('describes the routes of the service, and no others', () => {
    const described = operations.map(({ path, method }) => `${method} ${path}`);
    expect(described.sort()).toEqual(ADMIN_ROUTES.map(({ path, method }) => `${method} ${path}`).sort());
  });

  it('lists exactly the codes of the admin API, each in the description of its status', () => {
    expect(openApi.components.schemas.AdminCode?.enum).toEqual([...ADMINISTRATION_ERROR_CODES]);
    for (const code of ADMINISTRATION_ERROR_CODES) {
      const status = problemStatus(code);
      const described = operations
        .flatMap(({ operation }) => operation.responses[status] ?? [])
        .map(resolved);
      expect(described.length, code).toBeGreaterThan(0);
      for (const { description } of described) expect(description).toMatch(new RegExp(`\\b${code}\\b`));
    }
  });

  it.each(operations)(
    'requires a bearer token at $method $path, and describes the queries of the route',
    ({ path, method, item, operation }) => {
      expect(operation.security).toEqual([{ bearer: [] }]);
      const route = routeOf(method, path);
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolved);
      const named = (where: string) => parameters.filter((one) => one.in === where).map(({ name }) => name);
      const { shape } = route.query as unknown as { shape: object };
      expect(named('query').sort()).toEqual(Object.keys(shape).sort());
      expect(named('header')).toEqual(route.supportsIdempotencyKey ? ['Idempotency-Key'] : []);
      expect(named('path')).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    },
  );

  it.each(operations.filter(({ operation }) => operation.requestBody))(
    'describes the body of $method $path',
    ({ path, method, operation }) => {
      const route = routeOf(method, path);
      const body = resolve<{ content: Record<string, { schema: { $ref: string } }> }>(
        operation.requestBody?.$ref ?? '',
      );
      const schema = resolve<Schema>(body.content['application/json']?.schema.$ref ?? '');
      const { shape } = route.body as unknown as { shape: object };
      expect(Object.keys(schema.properties as object).sort()).toEqual(Object.keys(shape).sort());
    },
  );

  const examples = [
    ...Object.entries(openApi.components.responses),
    ...Object.entries(openApi.components.requestBodies),
  ].flatMap(([name, { content = {} }]) =>
    Object.entries(content).flatMap(([type, { schema, example }]) =>
      type.endsWith('json') && example !== undefined ? [{ name, schema, example }] : [],
    ),
  );

  it('has an example for each body', () => {
    const { responses, requestBodies } = openApi.components;
    const names = Object.keys({ ...responses, ...requestBodies }).filter((name) =>
      /^Admin|^Create|^Issue|Change$|Revocation$/.test(name),
    );
    const withBody = names.filter((name) => (responses[name] ?? requestBodies[name])?.content);
    expect(examples.map(({ name }) => name).sort()).toEqual(withBody.sort());
  });

  it.each(examples)('has an example of $name that matches its schema', ({ schema, example }) => {
    expect(schemaProblems(example, schema, resolve)).toEqual([]);
  });
});

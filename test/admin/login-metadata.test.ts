import { afterEach, expect, it } from 'vitest';
import { type AdminService, ISSUER, startAdminService } from '../support/admin-api.js';

const PATH = '/.well-known/oauth-protected-resource';
let service: AdminService;
afterEach(() => service.close());

const ask = (method: string, headers: Record<string, string> = {}, path = PATH) =>
  service.ask(method, path, { headers: { host: 'localhost:9443', ...headers } });

it('the metadata for logins is published without authentication, and names the host and port that the client connected to as the resource', async () => {
  service = await startAdminService({
    loginClient: 'linkgrant-cli',
    loginScope: ['openid', 'offline_access'],
  });
  const answer = await ask('GET');
  expect([answer.status, answer.headers['cache-control']]).toEqual([200, 'no-store']);
  expect(JSON.parse(answer.body)).toEqual({
    resource: 'https://localhost:9443',
    authorization_servers: [ISSUER],
    scopes_supported: ['openid', 'offline_access'],
    bearer_methods_supported: ['header'],
    linkgrant_client_id: 'linkgrant-cli',
  });
  const challenge = (await ask('GET', {}, '/api/v1/grants')).headers['www-authenticate'];
  expect(challenge).toContain(`resource_metadata="https://localhost:9443${PATH}"`);
});

it('the metadata for logins is refused for other methods and for an invalid host', async () => {
  service = await startAdminService({ loginClient: 'linkgrant-cli' });
  const posted = await ask('POST');
  expect([posted.status, posted.headers.allow]).toEqual([405, 'GET']);
  const invalid = { host: 'localhost:x"y' };
  expect((await ask('GET', invalid)).status).toBe(400);
  const { status, headers } = await ask('GET', invalid, '/api/v1/grants');
  expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer realm="linkgrant"']);
});

it('without a client for logins no metadata is published', async () => {
  service = await startAdminService();
  expect((await ask('GET')).status).toBe(401);
  const withToken = await service.ask('GET', PATH, { bearer: service.viewer });
  expect([withToken.status, JSON.parse(withToken.body).code]).toEqual([404, 'no_such_route']);
});

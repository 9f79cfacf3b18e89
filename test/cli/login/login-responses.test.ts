import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { signBearer, startAdminService } from '../../support/admin-api.js';
import { expectRefusal, linkgrant, refusalOf, refusedResult, Workplace } from '../../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { serveHttps, servePlain } from '../../support/servers/hostile-server.js';

/** A response: status, body and headers. An object is sent as JSON, a string as HTML. */
type Reply = readonly [status: number, body: object | string, headers?: Readonly<Record<string, string>>];

const LOGIN_CLIENT = 'linkgrant-cli';
const place = releaseAfterFile(new Workplace());
const env = { XDG_CONFIG_HOME: place.path('config') };
const caFile = place.path('ca');
/** The responses of the provider, by path. */
let replies: Record<string, Reply> = {};
const reply =
  ([status, body, headers = {}]: Reply = [404, 'Not found.']): RequestListener =>
  (_request, response) => {
    const isText = typeof body === 'string';
    response.writeHead(status, {
      'content-type': isText ? 'text/html' : 'application/json',
      connection: 'close',
      ...headers,
    });
    response.end(isText ? body : JSON.stringify(body));
  };

const provider = releaseAfterFile(
  await servePlain((request, response) => reply(replies[request.url ?? ''])(request, response)),
);
const issuer = `http://127.0.0.1:${provider.port}`;
const service = releaseAfterFile(await startAdminService({ adminIssuer: issuer, loginClient: LOGIN_CLIENT }));
const server = `https://127.0.0.1:${service.adminPort}`;
writeFileSync(caFile, service.ca);

/** The tokens of an operator; `claims` are those of the ID token. */
async function tokens(claims: Record<string, unknown> = {}, fields: object = {}): Promise<Reply> {
  const idToken = { issuer, audience: LOGIN_CLIENT, claims };
  return [
    200,
    {
      access_token: await signBearer(service.key, service.clock.read(), { issuer }),
      id_token: await signBearer(service.key, Date.now(), idToken),
      token_type: 'Bearer',
      ...fields,
    },
  ];
}

/** Makes the provider offer a login on another device. `changes` replaces responses, `device` fields of the device response. */
function offerDevice(changes: Record<string, Reply>, device: object = {}): void {
  replies = {
    '/.well-known/openid-configuration': [
      200,
      {
        ...{ issuer, token_endpoint: `${issuer}/token`, device_authorization_endpoint: `${issuer}/device` },
        id_token_signing_alg_values_supported: ['ES256'],
      },
    ],
    '/device': [
      200,
      {
        ...{ device_code: 'device', user_code: 'ABCD', verification_uri: `${issuer}/activate` },
        ...{ expires_in: 600, interval: 1, ...device },
      },
    ],
    ...changes,
  };
}

const onDevice = (name: string) =>
  linkgrant(['login', server, '--name', name, '--server-ca', caFile, '--device'], { env });

describe('a response of the OIDC provider', () => {
  it('a login prints a code and a user name of the OIDC provider without their line breaks', async () => {
    const user = { preferred_username: 'ada\nLogged in to https://forged as root' };
    offerDevice(
      { '/token': await tokens(user) },
      { user_code: 'A\nerror: forged', verification_uri: `${issuer}/a\nforged` },
    );
    const ended = await onDevice('lines');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    const starts = ended.stdout.split('\n').map((line) => line.split(' ')[0]);
    expect(starts).toEqual(['Open', 'Logged', 'Use', '']);
    expect(ended.stdout).toContain('A\\u000aerror: forged');
  });

  it('an error description of the OIDC provider is one line of at most 300 characters', async () => {
    const description = `denied\n${'x'.repeat(1_000)}`;
    offerDevice({ '/token': [400, { error: 'access_denied', error_description: description }] });
    const ended = await onDevice('described');
    expect(refusalOf(ended).error).toBe(
      `the OIDC provider refused the sign-in: denied\\u000a${'x'.repeat(293)}`,
    );
  });

  it('a login with an access token of an extreme lifetime can be used', async () => {
    offerDevice({ '/token': await tokens({}, { expires_in: 1e300 }) });
    expect((await onDevice('long')).code).toBe(0);
    const ended = await linkgrant(['whoami', 'long', '-o', 'json'], { env });
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
  });
});

describe('a renewal of an expired access token', () => {
  /** Lists grants with a login whose access token has expired, at a provider with this token endpoint. */
  async function renewAt(token: Reply) {
    offerDevice({ '/token': await tokens({}, { refresh_token: 'refresh', expires_in: 0 }) });
    expect((await onDevice('renewed')).code).toBe(0);
    offerDevice({ '/token': token });
    const ended = await linkgrant(['grant', 'list', '--server', 'renewed'], { env });
    return refusedResult(ended);
  }

  it.each<[string, Reply]>([
    ['a page of a captive portal', [200, '<html>Welcome</html>']],
    ['a page that claims to be JSON', [200, '<html>Welcome</html>', { 'content-type': 'application/json' }]],
    ['status 429', [429, { error: 'too_many_requests' }]],
    ['a server_error', [400, { error: 'server_error' }]],
    ['an unknown client', [401, { error: 'invalid_client' }]],
  ])('a renewal that is answered with %s is a temporary failure', async (_title, token) => {
    expect(await renewAt(token)).toMatchObject({
      ...{ code: 4, error: expect.stringContaining('cannot be used to sign in now') },
      hint: 'run the command again when the OIDC provider can be reached',
    });
  });

  it('a renewal that is answered with invalid_grant ends the login', async () => {
    expect(await renewAt([400, { error: 'invalid_grant' }])).toMatchObject({
      ...{ code: 3, error: 'the login "renewed" was ended by the OIDC provider' },
      hint: 'log in again: `linkgrant login renewed`',
    });
  });
});

describe('metadata of the service', () => {
  /** Logs in at a server with this metadata. Returns its address and the refusal. */
  async function logInAt(metadata: (url: string) => Reply) {
    const other = releaseAfterTest(
      await serveHttps((_seen, request, response) =>
        reply(metadata(`https://${request.headers.host}`))(request, response),
      ),
    );
    const address = `127.0.0.1:${other.port}`;
    writeFileSync(place.path('other-ca'), other.token.ca);
    const words = ['login', `https://${address}`, '--server-ca', place.path('other-ca'), '--device'];
    return { address, ...refusedResult(await linkgrant(words, { env })) };
  }

  it.each([
    ['scopes that are not strings', { scopes_supported: [1, {}] }],
    ['no list of issuers', { authorization_servers: 7 }],
  ])('a login is refused at a service whose metadata has %s', async (_title, fields) => {
    const { address, ...refused } = await logInAt((resource) => [
      200,
      { resource, authorization_servers: [issuer], linkgrant_client_id: LOGIN_CLIENT, ...fields },
    ]);
    expect(refused).toMatchObject({
      code: 3,
      error: expect.stringContaining(`${address} has no valid metadata`),
    });
  });

  it.each<[string, Reply]>([
    ['the status of another server', [404, 'Not found.']],
    ['a redirect', [302, '', { location: 'https://grants.example.com' }]],
  ])(
    'a login at an address that answers with %s reports that it is not an admin API',
    async (_title, answer) => {
      const { address, ...refused } = await logInAt(() => answer);
      expect(refused).toMatchObject({
        ...{ code: 3, error: `${address} is not an admin API (HTTP ${answer[0]}).` },
        hint: expect.stringContaining('--admin-listen'),
      });
    },
  );

  it('a login at the redemption port of a service reports that it is not an admin API', async () => {
    const url = `https://127.0.0.1:${service.running.listening.port}`;
    const ended = await linkgrant(['login', url, '--server-ca', caFile], { env });
    expect(refusalOf(ended)).toEqual({
      error: expect.stringContaining('is not an admin API'),
      hint: expect.stringContaining('--admin-listen'),
    });
  });

  it('a login at a port without TLS prints a hint about the URL of the admin API', async () => {
    const ended = await linkgrant(['login', issuer.replace('http:', 'https:')], { env });
    expect(expectRefusal(ended, 3).hint).toContain('--admin-listen');
  });

  it('a login at a service with an untrusted certificate names --server-ca', async () => {
    const ended = await linkgrant(['login', server], { env });
    expect(expectRefusal(ended, 3).hint).toBe('set --server-ca to the file with the CA of the service');
  });
});

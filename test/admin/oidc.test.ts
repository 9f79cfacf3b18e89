import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BearerKeys } from '../../src/admin/api/bearer.js';
import { oidcKeys } from '../../src/admin/api/oidc-keys.js';
import { type IdentityFetch, OidcProvider } from '../../src/admin/oidc-provider.js';
import { providerFetch } from '../../src/client/provider-fetch.js';
import { type AdminService, makeIssuerKey, signBearer, startAdminService } from '../support/admin-api.js';
import { redeemLink } from '../support/links/test-link.js';
import { directoryForFile } from '../support/release.js';
import { makeIdentity } from '../support/server-identity.js';
import { MINUTE } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';
import { AUDIENCE_URL, type OidcIssuer, startOidcIssuer } from './oidc-issuer.js';

const directory = directoryForFile();

/** Moves a clock, and the system time, with which the age of cached keys is compared before an unknown key causes a fetch. */
function advance(clock: TestClock, milliseconds: number): void {
  clock.advance(milliseconds);
  vi.setSystemTime(clock.read());
}
afterEach(() => void vi.useRealTimers());

describe('an OIDC provider', () => {
  let provider: OidcIssuer;
  let service: AdminService;

  const serveFor = async (issuer: OidcIssuer, flags = {}) => {
    provider = issuer;
    service = await startAdminService({
      adminIssuer: issuer.issuer,
      adminAudience: AUDIENCE_URL,
      adminJwks: undefined,
      adminRoleClaim: 'scope',
      ...flags,
    });
  };
  afterEach(async () => {
    await service.close();
    await provider.stop();
  });

  const statusWith = async (bearer: string, method = 'GET') => {
    const answer = await service.ask(method, '/api/v1/grants', {
      bearer,
      ...(method === 'POST' && { json: { name: 'made' } }),
    });
    return answer.status;
  };

  it('queries the provider for its keys once, and reads roles from the scope', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    const viewer = await provider.accessToken('linkgrant-viewer');
    const operator = await provider.accessToken('linkgrant-operator');
    expect(decodeProtectedHeader(viewer)).toMatchObject({ alg: 'ES256', kid: 'one' });
    expect(await statusWith(viewer)).toBe(200);
    expect(await statusWith(viewer, 'POST')).toBe(403);
    expect(await statusWith(operator, 'POST')).toBe(201);
    expect(provider.keyRequests).toBe(1);
  });

  it('trusts a provider only with a certificate of the configured CA', async () => {
    const identity = await makeIdentity();
    const ca = join(directory, 'issuer-ca.pem');
    writeFileSync(ca, identity.ca);
    await serveFor(await startOidcIssuer(await makeIssuerKey('one'), identity), { adminIssuerCa: ca });
    const bearer = await provider.accessToken('linkgrant-viewer');
    expect(await statusWith(bearer)).toBe(200);
    await service.close();
    await serveFor(provider);
    expect(await statusWith(bearer)).toBe(503);
  });

  it('a provider that is down blocks the admin API if no key is cached, but not redemption', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    const bearer = await provider.accessToken('linkgrant-operator');
    await provider.stop();
    const answer = await service.ask('GET', '/api/v1/grants', { bearer });
    expect(answer.status).toBe(503);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'identity_unavailable' });
    await redeemLink(service);
    // The provider is not queried for each request: a client without a valid token could cause many queries.
    await provider.start();
    expect(await statusWith(bearer)).toBe(503);
    advance(service.clock, 6_000);
    expect(await statusWith(bearer)).toBe(200);
  });

  it('fetches the keys at most every 30 seconds while a client sends tokens of unknown keys, and finds a new key', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    expect(await statusWith(await provider.accessToken('linkgrant-viewer'))).toBe(200);
    const guessed = await signBearer(await makeIssuerKey('guessed'), service.clock.read());
    for (let at = 0; at < 40; at += 1) expect(await statusWith(guessed)).toBe(401);
    expect(provider.keyRequests).toBe(1);
    advance(service.clock, 40_000);
    for (let at = 0; at < 5; at += 1) expect(await statusWith(guessed)).toBe(401);
    expect(provider.keyRequests).toBe(2);
    advance(service.clock, 40_000);
    await provider.rotate(await makeIssuerKey('two'));
    expect(await statusWith(await provider.accessToken('linkgrant-viewer'))).toBe(200);
    expect(provider.keyRequests).toBe(3);
  });

  it('a provider that is down does not affect callers with a cached key, even if others use unknown keys', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    const known = await provider.accessToken('linkgrant-viewer');
    expect(await statusWith(known)).toBe(200);
    await provider.stop();
    advance(service.clock, 40_000);
    const unknown = await signBearer(await makeIssuerKey('guessed'), service.clock.read());
    expect(await statusWith(unknown)).toBe(503);
    expect(await statusWith(known)).toBe(200);
    advance(service.clock, 10 * MINUTE);
    expect(await statusWith(known)).toBe(503);
  });

  it('queries the provider again after the clock was set back', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    const known = await provider.accessToken('linkgrant-viewer');
    await provider.stop();
    expect(await statusWith(known)).toBe(503);
    await provider.start();
    advance(service.clock, -20 * MINUTE);
    expect(await statusWith(known)).toBe(200);
  });

  it('refuses a provider whose metadata names another issuer', async () => {
    const other = await startOidcIssuer(await makeIssuerKey('one'));
    await serveFor(other, { adminIssuer: `${other.issuer}/` });
    expect(await statusWith(await provider.accessToken('linkgrant-operator'))).toBe(503);
  });
});

describe('the keys of an OIDC provider', () => {
  let issuer: OidcIssuer;
  let clock: TestClock;
  let keys: BearerKeys;
  let fetched: string[];

  /** Replaces `keys` by those of an issuer. */
  const readKeysOf = (url: string) => {
    fetched = [];
    const fetchOnce = providerFetch(undefined, '--admin-issuer-ca', { clock: clock.read });
    const fetch: IdentityFetch = (requested, sent) => {
      fetched.push(requested);
      return fetchOnce(requested, sent);
    };
    keys = oidcKeys(new OidcProvider({ issuer: url, fetch, clock: clock.read }), clock.read);
  };
  beforeEach(async () => {
    issuer = await startOidcIssuer(await makeIssuerKey('one'));
    clock = new TestClock();
    advance(clock, 0);
    readKeysOf(issuer.issuer);
  });
  afterEach(() => issuer.stop());

  const newToken = () => issuer.accessToken('linkgrant-viewer');
  const expectVerified = async (token: string) =>
    expect((await jwtVerify(token, keys)).payload.scope).toBe('linkgrant-viewer');
  const expectUnavailable = (token: string) =>
    expect(jwtVerify(token, keys)).rejects.toMatchObject({ code: 'identity_unavailable' });

  it('are fetched again for a new key id, and removed keys verify nothing', async () => {
    const before = await newToken();
    await expectVerified(before);
    await issuer.rotate(await makeIssuerKey('two'));
    advance(clock, 30_000);
    await expectVerified(await newToken());
    advance(clock, 30_000);
    await expect(jwtVerify(before, keys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    expect(issuer.keyRequests).toBe(3);
    expect(issuer.metadataRequests).toBe(1);
  });

  it('are fetched again after ten minutes, or after the clock was set back by so much', async () => {
    const before = await newToken();
    await expectVerified(before);
    await issuer.rotate(await makeIssuerKey('two'));
    for (const [index, milliseconds] of [10 * MINUTE, -10 * MINUTE].entries()) {
      advance(clock, milliseconds);
      await expect(jwtVerify(before, keys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
      await expectVerified(await newToken());
      expect(issuer.keyRequests).toBe(index + 2);
    }
  });

  it('are fetched from the jwks_uri that the metadata names after a failed fetch', async () => {
    const before = await newToken();
    await expectVerified(before);
    issuer.moveKeys('/moved');
    await issuer.rotate(await makeIssuerKey('two'));
    const after = await newToken();
    advance(clock, MINUTE);
    await expectUnavailable(after);
    await expectVerified(before);
    advance(clock, 5_000);
    await expectVerified(after);
    expect(issuer.metadataRequests).toBe(2);
  });

  it.each<[string, RequestListener]>([
    ['has status 404', (_request, response) => void response.writeHead(404).end('{"keys":[]}')],
    ['redirects', (_request, response) => void response.writeHead(302, { location: '/jwks' }).end()],
    ['is not JSON', (_request, response) => void response.end('<html>Welcome</html>')],
    ['is no key set', (_request, response) => void response.end('{"keys":{}}')],
    ['has more than 1 MiB', (_request, response) => void response.end(`{"keys":[]}${' '.repeat(2 ** 20)}`)],
    ['is cut off', (request) => void request.socket.destroy()],
  ])(
    'cannot verify a token now if the response %s, and are fetched again 5 seconds later',
    async (_title, response) => {
      const token = await newToken();
      issuer.replaceResponse('/jwks', response);
      await expectUnavailable(token);
      issuer.replaceResponse('/jwks', undefined);
      await expectUnavailable(token);
      advance(clock, 5_000);
      await expectVerified(token);
      expect(issuer.keyRequests).toBe(2);
    },
  );

  it.each([
    [undefined, 'no jwks_uri'],
    ['http://192.0.2.1/jwks', 'no https'],
    ['file:///etc/passwd', 'no https'],
  ])('are not fetched from the jwks_uri %s', async (jwks_uri, message) => {
    issuer.replaceResponse('/.well-known/openid-configuration', (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri }));
    });
    await expect(jwtVerify(await newToken(), keys)).rejects.toMatchObject({
      code: 'identity_unavailable',
      cause: { message: expect.stringContaining(message) },
    });
    expect(fetched).toEqual([`${issuer.issuer}/.well-known/openid-configuration`]);
  });

  it('are fetched at most once in an interval while fetching fails', async () => {
    const token = await newToken();
    readKeysOf(`${issuer.issuer}/nowhere`);
    await Promise.all(Array.from({ length: 10 }, () => expectUnavailable(token)));
    await expectUnavailable(token);
    expect(fetched).toHaveLength(1);
  });
});

it('a request to an OIDC provider on another machine is refused over plain HTTP', async () => {
  const fetch = providerFetch(undefined, '--admin-issuer-ca', { clock: Date.now });
  const url = 'http://192.0.2.1/.well-known/openid-configuration';
  const signal = AbortSignal.timeout(5_000);
  await expect(fetch(url, { signal })).rejects.toMatchObject({ code: 'address_refused' });
});

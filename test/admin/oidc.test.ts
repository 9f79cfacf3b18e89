import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type IdentityFetch, oidcKeys } from '../../src/admin/api/oidc-keys.js';
import { providerFetch } from '../../src/client/provider-fetch.js';
import { AdministrationError } from '../../src/domain/administration-error.js';
import { type AdminService, makeIssuerKey, signBearer, startAdminService } from '../support/admin-api.js';
import { redeemLink } from '../support/links/test-link.js';
import { directoryForFile } from '../support/release.js';
import { makeIdentity } from '../support/server-identity.js';
import { MINUTE } from '../support/service.js';
import { TestClock } from '../support/test-clock.js';
import { AUDIENCE_URL, type OidcIssuer, startOidcIssuer } from './oidc-issuer.js';

const directory = directoryForFile();

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
    service.clock.advance(6_000);
    expect(await statusWith(bearer)).toBe(200);
  });

  it('fetches the keys at most every 30 seconds while a client sends tokens of unknown keys, and finds a new key', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    expect(await statusWith(await provider.accessToken('linkgrant-viewer'))).toBe(200);
    const guessed = await signBearer(await makeIssuerKey('guessed'), service.clock.read());
    for (let at = 0; at < 40; at += 1) expect(await statusWith(guessed)).toBe(401);
    expect(provider.keyRequests).toBe(1);
    service.clock.advance(40_000);
    for (let at = 0; at < 5; at += 1) expect(await statusWith(guessed)).toBe(401);
    expect(provider.keyRequests).toBe(2);
    service.clock.advance(40_000);
    await provider.rotate(await makeIssuerKey('two'));
    expect(await statusWith(await provider.accessToken('linkgrant-viewer'))).toBe(200);
    expect(provider.keyRequests).toBe(3);
  });

  it('a provider that is down does not affect callers with a cached key, even if others use unknown keys', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    const known = await provider.accessToken('linkgrant-viewer');
    expect(await statusWith(known)).toBe(200);
    await provider.stop();
    service.clock.advance(40_000);
    const unknown = await signBearer(await makeIssuerKey('guessed'), service.clock.read());
    expect(await statusWith(unknown)).toBe(503);
    expect(await statusWith(known)).toBe(200);
    service.clock.advance(10 * MINUTE);
    expect(await statusWith(known)).toBe(503);
  });

  it('queries the provider again after the clock was set back', async () => {
    await serveFor(await startOidcIssuer(await makeIssuerKey('one')));
    const known = await provider.accessToken('linkgrant-viewer');
    await provider.stop();
    expect(await statusWith(known)).toBe(503);
    await provider.start();
    service.clock.advance(-20 * MINUTE);
    expect(await statusWith(known)).toBe(200);
  });

  it('refuses a provider whose metadata names another issuer', async () => {
    const other = await startOidcIssuer(await makeIssuerKey('one'));
    await serveFor(other, { adminIssuer: `${other.issuer}/` });
    expect(await statusWith(await provider.accessToken('linkgrant-operator'))).toBe(503);
  });
});

describe('the keys of an OIDC provider', () => {
  let provider: OidcIssuer;
  const clock = new TestClock();
  const fetch = providerFetch(undefined, '--admin-issuer-ca', { clock: clock.read });
  beforeEach(async () => {
    provider = await startOidcIssuer(await makeIssuerKey('one'));
  });
  afterEach(() => provider.stop());

  it('fetches the keys again for a new key id, and removed keys verify nothing', async () => {
    const keys = oidcKeys({ issuer: provider.issuer, fetch, clock: clock.read });
    const before = await provider.accessToken('linkgrant-viewer');
    expect((await jwtVerify(before, keys)).payload.scope).toBe('linkgrant-viewer');
    await provider.rotate(await makeIssuerKey('two'));
    clock.advance(30_000);
    const after = await provider.accessToken('linkgrant-viewer');
    expect((await jwtVerify(after, keys)).payload.scope).toBe('linkgrant-viewer');
    clock.advance(30_000);
    await expect(jwtVerify(before, keys)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    expect(provider.keyRequests).toBe(3);
  });

  it('fetches nothing over plain HTTP from another machine', async () => {
    const url = 'http://192.0.2.1/.well-known/openid-configuration';
    const signal = AbortSignal.timeout(5_000);
    await expect(fetch(url, { signal })).rejects.toMatchObject({ code: 'address_refused' });
  });

  it('fetches the keys at most once in an interval while fetching fails', async () => {
    let fetched = 0;
    const counting: IdentityFetch = (url, sent) => {
      fetched += 1;
      return fetch(url, sent);
    };
    const keys = oidcKeys({ issuer: `${provider.issuer}/nowhere`, fetch: counting, clock: clock.read });
    const bearer = await provider.accessToken('linkgrant-viewer');
    const errors = Array.from({ length: 10 }, () => jwtVerify(bearer, keys).catch((error: unknown) => error));
    for (const error of await Promise.all(errors)) expect(error).toBeInstanceOf(AdministrationError);
    await jwtVerify(bearer, keys).catch(() => undefined);
    expect(fetched).toBe(1);
  });
});

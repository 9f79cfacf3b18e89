import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { ADMIN_ROUTES } from '../../src/admin/api/routes.js';
import {
  AUDIENCE,
  type BearerClaims,
  ISSUER,
  makeIssuerKey,
  signBearer,
  startAdminService,
} from '../support/admin-api.js';
import { redeemLink } from '../support/links/test-link.js';
import { releaseAfterFile } from '../support/release.js';
import { HOUR, MINUTE } from '../support/service.js';

const UID = '22c7dcf1-ef57-454f-98ff-fa5a79792832';

const service = releaseAfterFile(await startAdminService());

/** Status and code of the answer to a request with this bearer token. */
async function answerTo(bearer: string | undefined, method = 'GET', path = '/api/v1/grants') {
  const answer = await service.ask(method, path, { bearer });
  const { code } = answer.status < 400 ? { code: undefined } : JSON.parse(answer.body);
  return { status: answer.status, code };
}

const sign = (of: BearerClaims = {}) => signBearer(service.key, service.clock.read(), of);

describe('a bearer token', () => {
  const routes = ADMIN_ROUTES.map(({ method, path, role }) => {
    return [method.toUpperCase(), path.replace(/\{\w+\}/, UID), role] as const;
  });

  it.each(routes)('requires a valid bearer token for %s %s', async (method, path) => {
    const now = service.clock.read();
    const foreign = await makeIssuerKey('first');
    const bad: readonly [string | undefined, string][] = [
      [undefined, 'bearer_missing'],
      [await sign({ issuer: 'https://elsewhere.example.com' }), 'bearer_invalid'],
      [await sign({ audience: 'another-service' }), 'bearer_invalid'],
      [await sign({ expiresAt: now - HOUR }), 'bearer_expired'],
      [await sign({ expiresAt: null }), 'bearer_invalid'],
      [await sign({ subject: null }), 'bearer_invalid'],
      [await signBearer(foreign, now), 'bearer_invalid'],
      // A subject that is not a string: converted to text, the subjects of different callers could be equal.
      [await sign({ subject: null, claims: { sub: 7 } }), 'bearer_invalid'],
      [await sign({ subject: null, claims: { sub: { user: 'ops' } } }), 'bearer_invalid'],
      [await sign({ subject: '' }), 'bearer_invalid'],
      // The ledger names the subject.
      [await sign({ subject: 'ops\n' }), 'bearer_invalid'],
      [await sign({ subject: 'a'.repeat(513) }), 'bearer_invalid'],
      ['not-a-jwt', 'bearer_invalid'],
    ];
    for (const [bearer, code] of bad) {
      expect(await answerTo(bearer, method, path), code).toEqual({ status: 401, code });
    }
  });

  it.each(routes.filter(([, , role]) => role === 'operator'))(
    'refuses %s %s to a viewer',
    async (method, path) => {
      expect(await answerTo(service.viewer, method, path)).toEqual({
        status: 403,
        code: 'role_insufficient',
      });
    },
  );

  it.each(routes.filter(([, , role]) => role === 'viewer'))(
    'permits %s %s to a viewer',
    async (method, path) => {
      // 404: there is no object with this id.
      expect([200, 404]).toContain((await answerTo(service.viewer, method, path)).status);
    },
  );

  it('checks the bearer token before the route', async () => {
    expect(await answerTo(undefined, 'GET', '/nowhere')).toEqual({ status: 401, code: 'bearer_missing' });
    expect(await answerTo(service.viewer, 'GET', '/nowhere')).toEqual({ status: 404, code: 'no_such_route' });
    expect((await service.ask('PUT', '/api/v1/grants', { bearer: service.viewer })).headers.allow).toBe(
      'GET, POST',
    );
  });

  it('refuses a bearer token with another algorithm than configured, without a signature, or with an HMAC', async () => {
    const now = service.clock.read();
    const claims = { roles: ['linkgrant-operator'], sub: 'ops', iss: ISSUER, aud: AUDIENCE };
    const exp = Math.floor((now + HOUR) / 1000);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'p384' };
    service.publish(service.key, { kid: 'p384', algorithm: 'ES384', secret: privateKey, jwk });
    // The public key as an HMAC secret: a verifier that lets the token choose the algorithm accepts it.
    const shared = createSecretKey(Buffer.from(JSON.stringify(service.key.jwk)));
    const bearers = [
      await new SignJWT({ ...claims, exp })
        .setProtectedHeader({ alg: 'ES384', kid: 'p384' })
        .sign(privateKey),
      await new SignJWT({ ...claims, exp }).setProtectedHeader({ alg: 'HS256', kid: 'first' }).sign(shared),
      `${new UnsecuredJWT({ ...claims, exp }).encode()}x`,
      new UnsecuredJWT({ ...claims, exp }).encode(),
    ];
    for (const bearer of bearers)
      expect(await answerTo(bearer)).toEqual({ status: 401, code: 'bearer_invalid' });
    service.publish(service.key);
  });

  it('requires a role in the claim: a word of a string, or a member of a list', async () => {
    const cases: readonly [unknown, number][] = [
      [undefined, 403],
      [[], 403],
      [['linkgrant-operators'], 403],
      ['other linkgrant-viewer', 200],
      [['other', 'linkgrant-viewer'], 200],
      [{ 'linkgrant-viewer': true }, 403],
      [[['linkgrant-operator']], 403],
      [true, 403],
    ];
    for (const [roles, status] of cases) {
      expect((await answerTo(await sign({ claims: { roles } }))).status, JSON.stringify(roles)).toBe(status);
    }
  });

  it('accepts an expired bearer token within the tolerance', async () => {
    const now = service.clock.read();
    expect((await answerTo(await sign({ expiresAt: now - 20_000 }))).status).toBe(200);
    expect((await answerTo(await sign({ expiresAt: now - 40_000 }))).code).toBe('bearer_expired');
  });

  it('refuses a bearer token with an RFC 6750 challenge and no reason, and does not log the token', async () => {
    const missing = await service.ask('GET', '/api/v1/grants');
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="linkgrant"');
    const foreign = await sign({ issuer: 'https://elsewhere.example.com' });
    const answer = await service.ask('GET', '/api/v1/grants', { bearer: foreign });
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.parse(answer.body)).toMatchObject({ detail: 'the bearer token is not valid' });
    const line = { event: 'admin_refused', code: 'bearer_invalid', reason: expect.stringContaining('"iss"') };
    await expect.poll(() => service.logged()).toContainEqual(expect.objectContaining(line));
    expect(service.logText()).not.toContain(foreign.slice(-20));
  });
});

describe('a JWKS file', () => {
  it('reads the JWKS file again when it changes', async () => {
    const next = await makeIssuerKey('second');
    const bearer = await signBearer(next, service.clock.read());
    expect((await answerTo(bearer)).code).toBe('bearer_invalid');
    service.publish(service.key, next);
    expect((await answerTo(bearer)).status).toBe(200);
    service.publish(next);
    expect((await answerTo(service.operator)).code).toBe('bearer_invalid');
    service.publish(service.key);
    expect((await answerTo(service.operator)).status).toBe(200);
  });

  it('a missing or invalid JWKS file blocks the admin API, but not redemption', async () => {
    const away = join(service.directory, 'away.json');
    renameSync(service.jwksFile, away);
    expect(await answerTo(service.operator)).toEqual({ status: 503, code: 'identity_unavailable' });
    const broken = ['{', '{}', '{"keys":[]}', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'];
    for (const [index, text] of broken.entries()) {
      writeFileSync(service.jwksFile, text);
      utimesSync(service.jwksFile, index, index);
      expect(await answerTo(service.operator), text).toEqual({ status: 503, code: 'identity_unavailable' });
    }
    await redeemLink(service);
    rmSync(service.jwksFile);
    renameSync(away, service.jwksFile);
    expect((await answerTo(service.operator)).status).toBe(200);
  });
});

describe('a role claim', () => {
  it('finds the role claim by its name, even with dots, or by its path', async () => {
    for (const [claim, claims] of [
      ['realm_access.roles', { realm_access: { roles: ['admin'] } }],
      ['https://example.com/roles', { 'https://example.com/roles': ['admin'] }],
    ] as const) {
      const other = await startAdminService({ adminRoleClaim: claim, adminOperatorRole: ['admin', 'root'] });
      const bearer = await signBearer(other.key, other.clock.read() + MINUTE, {
        claims: { ...claims, roles: [] },
      });
      const answer = await other.ask('GET', '/api/v1/service', { bearer });
      expect([answer.status, JSON.parse(answer.body).role]).toEqual([200, 'operator']);
      expect((await other.ask('GET', '/api/v1/service', { bearer: other.operator })).status).toBe(403);
      await other.close();
    }
  });
});

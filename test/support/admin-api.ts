import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { remoteAdministration } from '../../src/client/remote-administration.js';
import type { RunningService } from '../../src/compose/runtime.js';
import type { Flags } from '../../src/config/config.js';
import type { Administration } from '../../src/redemption/administration/administration.js';
import { HOUR, startTestService, type TestService } from './service.js';
import { withSqliteFile } from './stores/sqlite-file.js';
import { type PostOptions, post, type Target, type WireResponse } from './wire.js';

export const ISSUER = 'https://id.example.com/realms/ops';
export const AUDIENCE = 'linkgrant';

/** A signing key of an issuer, and its public JWK. */
export interface IssuerKey {
  readonly kid: string;
  readonly algorithm: string;
  readonly secret: KeyObject;
  readonly jwk: JWK;
}

/** A new P-256 key. */
export async function makeIssuerKey(kid: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  return { kid, algorithm: 'ES256', secret: privateKey, jwk };
}

/** Writes the public key of an issuer to a JWKS file. Returns flags of `serve` for an admin API that reads this file. */
export function adminFlags(key: IssuerKey, jwksFile: string, port = 0): readonly string[] {
  writeFileSync(jwksFile, JSON.stringify({ keys: [key.jwk] }));
  return [
    ...['--admin-listen', `127.0.0.1:${port}`, '--admin-issuer', ISSUER, '--admin-audience', AUDIENCE],
    ...['--admin-jwks', jwksFile],
  ];
}

/** The claims in which a bearer token differs from a valid token of an operator. */
export interface BearerClaims {
  readonly issuer?: string;
  readonly audience?: string;
  /** Milliseconds since the epoch; null for none. */
  readonly expiresAt?: number | null;
  readonly subject?: string | null;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** A bearer token signed with `key`. */
export function signBearer(key: IssuerKey, now: number, changes: BearerClaims = {}): Promise<string> {
  const { issuer = ISSUER, audience = AUDIENCE, expiresAt = now + HOUR } = changes;
  const { subject = 'ops@example.com' } = changes;
  const jwt = new SignJWT({ roles: ['linkgrant-operator'], ...changes.claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(Math.floor(now / 1000) - 60);
  if (subject !== null) jwt.setSubject(subject);
  if (expiresAt !== null) jwt.setExpirationTime(Math.floor(expiresAt / 1000));
  return jwt.sign(key.secret);
}

/** A request to the admin API. The body is `text`, else `json`. */
export interface AdminRequest {
  readonly bearer?: string | undefined;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Address to send from; 127.0.0.1 when absent. */
  readonly from?: string;
}

/** A service with an admin API that reads the keys of its issuer from a file. */
export interface AdminService extends TestService {
  readonly running: RunningService;
  readonly adminPort: number;
  /** The listener of the admin API. */
  readonly admin: Target;
  readonly key: IssuerKey;
  readonly jwksFile: string;
  /** A valid bearer token with the role operator. */
  readonly operator: string;
  readonly viewer: string;
  publish(...keys: readonly IssuerKey[]): void;
  /** Runs an SQL query on the file of the store, and returns the rows. */
  rows(query: string): unknown[];
  ask(method: string, path: string, request?: AdminRequest): Promise<WireResponse>;
}

/** Starts an admin service. The flags override the default flags, such as the JWKS file. */
export async function startAdminService(flags: Flags = {}): Promise<AdminService> {
  const directory = mkdtempSync(join(tmpdir(), 'linkgrant-admin-'));
  const jwksFile = join(directory, 'jwks.json');
  const publish: AdminService['publish'] = (...keys) =>
    writeFileSync(jwksFile, JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
  const key = await makeIssuerKey('first');
  publish(key);
  const service = await startTestService({
    adminListen: '127.0.0.1:0',
    adminIssuer: ISSUER,
    adminAudience: AUDIENCE,
    adminJwks: jwksFile,
    ...flags,
  });
  const adminPort = service.running.adminListening?.port ?? 0;
  const admin = { port: adminPort, ca: service.ca };
  const now = service.clock.read();
  return {
    ...service,
    adminPort,
    admin,
    key,
    jwksFile,
    publish,
    operator: await signBearer(key, now),
    viewer: await signBearer(key, now, { claims: { roles: ['linkgrant-viewer'] } }),
    rows: (query) =>
      withSqliteFile(join(service.directory, 'linkgrant.db'), (database) =>
        database.prepare(query).rows([], false),
      ),
    ask: (method, path, request = {}) => askAdmin(admin, method, path, request),
    async close() {
      await service.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Returns a function that sends a request as an operator, or with the bearer token in `more`, and parses the body of the
 * answer as JSON.
 */
export function operatorClient(service: AdminService) {
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes.
  return async (method: string, path: string, json?: unknown, more: AdminRequest = {}): Promise<any> => {
    const answer = await service.ask(method, `/api/v1${path}`, { bearer: service.operator, json, ...more });
    return { ...answer, body: answer.body === '' ? undefined : JSON.parse(answer.body) };
  };
}

/** Returns a client of the admin API, as the commands use it. */
export function remoteClient(service: AdminService, bearer = service.operator): Administration {
  const url = new URL(`https://127.0.0.1:${service.adminPort}`);
  return remoteAdministration({ url, ca: service.ca, bearer: async () => bearer }, { clock: Date.now });
}

/** Reads a route of the admin API as a viewer, and returns the body. */
// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes.
export async function readAdmin(service: AdminService, path: string): Promise<any> {
  return JSON.parse((await service.ask('GET', `/api/v1${path}`, { bearer: service.viewer })).body);
}

/** Sends a request to an admin API on a connection of its own. */
export function askAdmin(
  target: Target,
  method: string,
  path: string,
  { bearer, json, text, headers = {}, from }: AdminRequest,
): Promise<WireResponse> {
  const body = text ?? (json === undefined ? '' : JSON.stringify(json));
  const options: PostOptions = {
    method,
    ...(from !== undefined && { from }),
    headers: {
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(json !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  };
  return post(target, path, body, options);
}

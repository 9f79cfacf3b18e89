import { once } from 'node:events';
import { createServer, type RequestListener, request as requestByHttp } from 'node:http';
import { createServer as createTlsServer, request as requestByTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK } from 'jose';
import { Provider } from 'oidc-provider';
import { AUDIENCE, type IssuerKey } from '../support/admin-api.js';
import type { TestIdentity } from '../support/server-identity.js';

/** A real OIDC provider on this machine. */
export interface OidcIssuer {
  readonly issuer: string;
  /** Number of requests for its metadata. */
  readonly metadataRequests: number;
  /** Number of requests for its keys. */
  readonly keyRequests: number;
  /** Responds to requests for this path with `listener` instead of the provider; with the provider again if it is undefined. */
  replaceResponse(path: string, listener: RequestListener | undefined): void;
  /** Publishes the keys at this path instead of `/jwks`. */
  moveKeys(path: string): void;
  /** Replaces the keys: publishes only these, and signs with the first. */
  rotate(...keys: readonly IssuerKey[]): Promise<void>;
  /** An access token of the client credentials grant with this scope. */
  accessToken(scope: string): Promise<string>;
  /** Closes every connection, and accepts no new one until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts a provider; with TLS if `identity` is passed. */
export async function startOidcIssuer(
  key: IssuerKey,
  identity?: TestIdentity & { readonly maxVersion?: 'TLSv1.2' },
): Promise<OidcIssuer> {
  let answer: RequestListener = () => undefined;
  let keys: readonly object[] = [];
  let keyPath = '/jwks';
  const requests = new Map<string, number>();
  const replaced = new Map<string, RequestListener>();
  const listener: RequestListener = (request, response) => {
    const path = request.url ?? '';
    requests.set(path, (requests.get(path) ?? 0) + 1);
    (replaced.get(path) ?? answer)(request, response);
  };
  const server = identity
    ? createTlsServer(
        { cert: identity.cert, key: identity.key, maxVersion: identity.maxVersion ?? 'TLSv1.3' },
        listener,
      )
    : createServer(listener);
  let port = 0;
  const start = async () => {
    server.listen({ port, host: '127.0.0.1' });
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  await start();
  const issuer = `${identity ? 'https' : 'http'}://127.0.0.1:${port}`;
  const configure = () => {
    answer = new Provider(issuer, configurationWith(keys, keyPath)).callback();
  };
  const rotate = async (...next: readonly IssuerKey[]) => {
    keys = await Promise.all(
      next.map(async ({ secret, kid, algorithm }) => ({
        ...(await exportJWK(secret)),
        kid,
        alg: algorithm,
        use: 'sig',
      })),
    );
    configure();
  };
  await rotate(key);
  return {
    issuer,
    get metadataRequests() {
      return requests.get('/.well-known/openid-configuration') ?? 0;
    },
    get keyRequests() {
      return requests.get(keyPath) ?? 0;
    },
    replaceResponse(path, response) {
      if (response) replaced.set(path, response);
      else replaced.delete(path);
    },
    moveKeys(path) {
      keyPath = path;
      configure();
    },
    rotate,
    start,
    async accessToken(scope) {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        scope,
        resource: AUDIENCE_URL,
      }).toString();
      const sent = (identity ? requestByTls : requestByHttp)(`${issuer}/token`, {
        method: 'POST',
        agent: false,
        ...(identity && { ca: identity.ca }),
        headers: {
          authorization: `Basic ${Buffer.from('automation:not-a-secret').toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
      });
      sent.end(body);
      const [answered] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
      let text = '';
      for await (const piece of answered) text += String(piece);
      const { access_token: token, ...rest } = JSON.parse(text) as { access_token?: string };
      if (token === undefined) throw new Error(`no access token: ${JSON.stringify(rest)}`);
      return token;
    },
    async stop() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The console as a client of the provider; its redirect URL has a path of the console's own origin. */
export const CONSOLE_CLIENT = {
  id: 'linkgrant-console',
  secret: 'not-a-secret-either',
  origin: 'https://grants.example.com:9443',
};

/** The client of `linkgrant login`. */
export const LOGIN_CLIENT = 'linkgrant-cli';

/** The roles of the provider's users; any password signs them in. */
const USERS: Readonly<Record<string, readonly string[]>> = {
  ada: ['linkgrant-operator'],
  vera: ['linkgrant-viewer'],
  nora: [],
};

/** Audience of the provider's access tokens. */
export const AUDIENCE_URL = `urn:${AUDIENCE}:admin`;

function configurationWith(keys: readonly object[], keyPath: string) {
  const scope = 'linkgrant-viewer linkgrant-operator';
  return {
    jwks: { keys },
    routes: { jwks: keyPath },
    scopes: ['openid', 'profile', 'offline_access', ...scope.split(' ')],
    clients: [
      {
        client_id: 'automation',
        client_secret: 'not-a-secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
        scope,
      },
      {
        client_id: CONSOLE_CLIENT.id,
        client_secret: CONSOLE_CLIENT.secret,
        redirect_uris: [`${CONSOLE_CLIENT.origin}/console/callback`],
        id_token_signed_response_alg: 'ES256',
        scope: 'openid profile',
      },
      {
        client_id: LOGIN_CLIENT,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        id_token_signed_response_alg: 'ES256',
        scope: 'openid profile offline_access',
      },
    ],
    extraTokenClaims: (_context: unknown, { accountId }: { accountId?: string }) =>
      accountId === undefined ? undefined : { roles: USERS[accountId] ?? [] },
    claims: { openid: ['sub', 'roles'], profile: ['preferred_username'] },
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, roles: USERS[id] ?? [], preferred_username: `${id}@example.com` }),
    }),
    cookies: { keys: ['a key for the tests'] },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE_URL,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope,
          audience: AUDIENCE_URL,
          accessTokenTTL: 3_600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}

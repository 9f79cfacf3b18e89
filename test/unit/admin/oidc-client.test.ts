import { describe, expect, it } from 'vitest';
import { OidcClient } from '../../../src/admin/oidc-client.js';
import { OidcProvider } from '../../../src/admin/oidc-provider.js';

const ISSUER = 'https://oidc.example.com';
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  device_authorization_endpoint: `${ISSUER}/device`,
};
const DEVICE = {
  device_code: 'device',
  user_code: 'ABCD-EFGH',
  verification_uri: `${ISSUER}/activate`,
  expires_in: 600,
};

/** The responses of a provider, by the path of the requested URL: a JSON document, or a Response object. */
type Responses = Readonly<Record<string, object>>;

/** A client of a provider that responds with `responses`. */
const clientOf = (responses: Responses, metadata: object = METADATA, issuer = ISSUER, clockToleranceMs = 0) =>
  new OidcClient({
    ...{ clockToleranceMs, clientId: 'linkgrant-cli', scopes: [], readSecret: undefined },
    provider: new OidcProvider({
      ...{ issuer, clock: Date.now },
      fetch: async (url) => {
        const { pathname } = new URL(url);
        const response = { '/.well-known/openid-configuration': metadata, ...responses }[pathname];
        return response instanceof Response ? response : Response.json(response);
      },
    }),
  });

describe('a login on another device', () => {
  it.each([
    [undefined, 5],
    [1e10, 60],
    [0.0001, 1],
    [7, 7],
  ])('with a requested interval of %s seconds polls every %s seconds', async (interval, expected) => {
    const start = await clientOf({ '/device': { ...DEVICE, interval } }).startDevice();
    expect(start?.interval).toBe(expected);
  });

  it.each([
    'http://oidc.example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://127.0.0.1.example.com/',
  ])('is refused if the provider sends the user to %s', async (url) => {
    for (const field of ['verification_uri', 'verification_uri_complete'])
      await expect(clientOf({ '/device': { ...DEVICE, [field]: url } }).startDevice()).rejects.toMatchObject({
        code: 'identity_unavailable',
        cause: { message: 'its verification_uri has no https' },
      });
  });

  it('accepts a verification_uri with http on localhost', async () => {
    const device = { ...DEVICE, verification_uri: 'http://localhost:8080/activate' };
    expect(await clientOf({ '/device': device }).startDevice()).toMatchObject(device);
  });
});

describe('a login in a browser', () => {
  const urlAt = (endpoint: string) =>
    clientOf({}, { ...METADATA, authorization_endpoint: endpoint }).authorizationUrl(
      OidcClient.createSecrets(),
      'http://127.0.0.1/callback',
    );

  it.each(['http://oidc.example.com/authorize', 'http://127.0.0.1.example.com/', 'file:///x', 'x'])(
    'is refused if the authorization endpoint is %s',
    async (endpoint) => {
      await expect(urlAt(endpoint)).rejects.toMatchObject({
        code: 'identity_unavailable',
        cause: { message: expect.stringContaining('https') },
      });
    },
  );

  it('may use an authorization endpoint with http on this machine', async () => {
    expect(await urlAt('http://127.0.0.1:8080/authorize')).toMatch(
      /^http:\/\/127\.0\.0\.1:8080\/authorize\?/,
    );
  });
});

describe('an ID token that expired 45 seconds ago', () => {
  const signIn = async (clockToleranceMs: number) => {
    const secrets = OidcClient.createSecrets();
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, aud: 'linkgrant-cli', sub: 'ada', nonce: secrets.nonce };
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    // Only the caller of the client verifies the signature.
    const idToken = `${encode({ alg: 'RS256' })}.${encode({ ...claims, iat: now - 60, exp: now - 45 })}.AA`;
    const tokens = { access_token: 'x', token_type: 'Bearer', id_token: idToken };
    const client = clientOf({ '/token': tokens }, METADATA, ISSUER, clockToleranceMs);
    const callback = new URL(`https://grants.example.com/callback?code=x&state=${secrets.state}`);
    return client.redeemCallback(callback, secrets, 'https://grants.example.com/callback');
  };

  it('is accepted with a clock tolerance of one minute', async () => {
    expect(await signIn(60_000)).toMatchObject({ userName: 'ada' });
  });

  it.each([0, 30_000])('is refused with a clock tolerance of %s ms', async (clockToleranceMs) => {
    await expect(signIn(clockToleranceMs)).rejects.toMatchObject({ code: 'bearer_invalid' });
  });
});

it('an issuer on this machine cannot make a client send tokens to another machine without TLS', async () => {
  const issuer = 'http://127.0.0.1:8080';
  const metadata = { ...METADATA, issuer, token_endpoint: 'http://oidc.example.com/token' };
  const token = Response.json({ access_token: 'x', token_type: 'Bearer' });
  await expect(clientOf({ '/token': token }, metadata, issuer).refresh('secret')).rejects.toMatchObject({
    code: 'identity_unavailable',
    cause: { message: expect.stringContaining('has no https') },
  });
});

import { describe, expect, it } from 'vitest';
import { OidcClient } from '../../../src/admin/oidc-client.js';

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

/** What a provider responds to a request, by the path of its URL: a JSON document, or a whole response. */
type Responses = Readonly<Record<string, object>>;

/** A client of a provider that responds with `responses`. */
const clientOf = (responses: Responses, metadata: object = METADATA, issuer = ISSUER) =>
  new OidcClient({
    ...{ issuer, clientId: 'linkgrant-cli', scopes: [], readSecret: undefined, clock: Date.now },
    fetch: async (url) => {
      const { pathname } = new URL(url);
      const response = { '/.well-known/openid-configuration': metadata, ...responses }[pathname];
      return response instanceof Response ? response : Response.json(response);
    },
  });

describe('a login on another device', () => {
  it.each([
    [undefined, 5],
    [1e10, 60],
    [0.0001, 1],
    [7, 7],
  ])('an interval of %s seconds between two polls becomes %s', async (interval, expected) => {
    const start = await clientOf({ '/device': { ...DEVICE, interval } }).startDevice();
    expect(start?.interval).toBe(expected);
  });
});

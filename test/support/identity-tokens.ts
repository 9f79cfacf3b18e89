import { SignJWT } from 'jose';
import { type IssuerKey, makeIssuerKey } from './admin-api.js';

/** The claims of an identity token that a test chooses. Times are seconds since the epoch. */
export interface ChosenClaims {
  readonly aud?: unknown;
  readonly sub?: string;
  readonly iat?: number;
  readonly exp?: number;
}

/** A provider of identities, which signs with one key. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly key: IssuerKey;
  /** The content of its JWKS file. */
  readonly jwks: string;
  /** Signs a token: by default for `east`, valid for 10 minutes from now. */
  token(claims?: ChosenClaims): Promise<string>;
}

/** Creates a provider of identities. */
export async function identityProvider(issuer = 'https://id.example.com'): Promise<IdentityProvider> {
  const key = await makeIssuerKey('identity-1');
  return {
    issuer,
    key,
    jwks: JSON.stringify({ keys: [key.jwk] }),
    token(claims = {}) {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: issuer, sub: 'east', iat: now, exp: now + 600, jti: crypto.randomUUID(), ...claims };
      return new SignJWT(all as Record<string, unknown>)
        .setProtectedHeader({ alg: key.algorithm, kid: key.kid })
        .sign(key.secret);
    },
  };
}

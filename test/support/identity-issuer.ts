import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { JWK } from 'jose';

/** The signature algorithms of an {@link IdentityIssuer}. */
export const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** A signing key of an identity provider. */
export interface IdentityIssuer {
  readonly iss: string;
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly secret: KeyObject;
  readonly jwk: JWK;
}

/** What differs from a valid token; the text of `claims` is signed as it is. */
export interface TokenChanges {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** JSON text instead of the claims. */
  readonly text?: string;
}

const curves = { ES256: 'P-256', ES384: 'P-384' } as const;

function keyPair(algorithm: Algorithm) {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  if (algorithm === 'RS256' || algorithm === 'PS256')
    return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return generateKeyPairSync('ec', { namedCurve: curves[algorithm] });
}

/** A new key. Several issuers may have one `iss`, and one `kid`. */
export function identityIssuer(
  algorithm: Algorithm = 'ES256',
  { iss = 'https://issuer.example.com', kid = 'key-1' } = {},
): IdentityIssuer {
  const { privateKey, publicKey } = keyPair(algorithm);
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } as JWK;
  return { iss, kid, algorithm, secret: privateKey, jwk };
}

/** Writes the public keys of issuers into a JWKS file. Returns its path. */
export function writeJwks(file: string, ...issuers: readonly Pick<IdentityIssuer, 'jwk'>[]): string {
  writeFileSync(file, JSON.stringify({ keys: issuers.map(({ jwk }) => jwk) }));
  return file;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signature(input: string, algorithm: unknown, secret: KeyObject, jwk: JWK): Buffer {
  const data = Buffer.from(input);
  if (algorithm === 'none') return Buffer.from([0]);
  if (algorithm === 'HS256') return createHmac('sha256', JSON.stringify(jwk)).update(data).digest();
  if (algorithm === 'EdDSA') return sign(null, data, secret);
  const dsaEncoding = 'ieee-p1363';
  if (algorithm === 'PS256')
    return sign('sha256', data, { key: secret, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  return sign(algorithm === 'ES384' ? 'sha384' : 'sha256', data, { key: secret, dsaEncoding });
}

/** A token of `sub`, signed by hand, so that no library refuses to sign it. It is valid for ten minutes from `now`, in milliseconds. */
export function identityToken(
  { iss, kid, algorithm, secret, jwk }: IdentityIssuer,
  { sub, aud, now }: { readonly sub: string; readonly aud: unknown; readonly now: number },
  { header = {}, claims = {}, text }: TokenChanges = {},
): string {
  const seconds = Math.floor(now / 1000);
  const whole = { iss, sub, aud, iat: seconds, exp: seconds + 600, ...claims };
  const payload = text === undefined ? encode(whole) : Buffer.from(text).toString('base64url');
  const protectedHeader = { alg: algorithm, kid, typ: 'JWT', ...header };
  const input = `${encode(protectedHeader)}.${payload}`;
  return `${input}.${signature(input, protectedHeader.alg, secret, jwk).toString('base64url')}`;
}

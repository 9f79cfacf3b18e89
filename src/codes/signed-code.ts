import { hash } from 'node:crypto';
// Loading only these parts of jose makes each command start earlier.
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { CompactSign } from 'jose/jws/compact/sign';
import { compactVerify } from 'jose/jws/compact/verify';
import { decodeJwt } from 'jose/jwt/decode';
import { isSubject } from '../domain/names.js';
import { isIdentityJti, isTokenId, keyPrefixOf, replacedRedemptionId } from './code-id.js';
import { compactText } from './compact-jws.js';
import type { GrantSigningKey } from './signing-keys.js';

const TYPE = 'linkgrant-code+jwt';
// A type of its own, so that a service that does not know the claims `key` and `replaces` refuses it.
const BOUND_TYPE = 'linkgrant-bound-code+jwt';
const BOUND_CLAIMS = new Set(['sub', 'jti', 'iat', 'exp', 'nbf', 'uses', 'subject', 'key', 'replaces']);
const ALGORITHM = 'HS256';
const MAX_USES = 1_000_000;
const SHA256 = /^[0-9a-f]{64}$/;

/** The claims of a signed code, which redeems a part of a grant. Times are milliseconds since the epoch. */
export interface SignedCode {
  /** Identifies the code within the grant. Several texts may have the same `jti`; their uses are counted together. */
  readonly jti: string;
  readonly grantUid: string;
  /** How often this code can be redeemed. */
  readonly uses: number;
  readonly issuedAt: number;
  /** When the code becomes valid; absent without a claim `nbf`. */
  readonly notBefore?: number;
  /** When the code expires. It also cannot be redeemed after its grant has expired. */
  readonly expirationTime: number;
  /** The only subject that may redeem it; absent for any. A code with `keySha256` or `replaces` always has one. */
  readonly subject?: string;
  /**
   * SHA-256 over the SubjectPublicKeyInfo of the only key that may redeem it, lower-case hex: the code is bound to that key, and
   * is no secret. Absent for a code that any key may redeem.
   */
  readonly keySha256?: string;
  /** Id of the redemption that is revoked when the code is redeemed; absent for none. The `jti` contains it (`newCodeId`). */
  readonly replaces?: string;
}

/**
 * Signs a code: a compact JWS (RFC 7515) with the claims `sub` (grant uid), `jti`, `iat`, `exp` (whole seconds), `uses`,
 * `subject`, `key` for a bound code, and `replaces`. Unmodified Skupper clients redeem it like any other code, but not a bound
 * one.
 */
export async function mintSignedCode(code: SignedCode, signingKey: GrantSigningKey): Promise<string> {
  const { header, claims } = signedContent(code, signingKey.kid);
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(signingKey.key);
}

/** Returns the header and the claims of a code, with their members in the order in which they are signed. */
export function signedContent(
  { grantUid: sub, jti, uses, issuedAt, expirationTime, subject, keySha256: key, replaces }: SignedCode,
  kid: string,
) {
  const typ = key === undefined && replaces === undefined ? TYPE : BOUND_TYPE;
  const claims = {
    sub,
    jti,
    iat: Math.floor(issuedAt / 1000),
    exp: Math.floor(expirationTime / 1000),
    uses,
    ...(subject !== undefined && { subject }),
    ...(key !== undefined && { key }),
    ...(replaces !== undefined && { replaces }),
  };
  return { header: { alg: ALGORITHM, typ, kid }, claims };
}

/**
 * Reads the id of the master key from a presented code, undefined if it does not have the form of a signed code. The signature is
 * not verified.
 */
export function signedCodeKid(code: Uint8Array): string | undefined {
  const text = compactText(code);
  if (text === undefined) return undefined;
  try {
    const { alg, typ, kid } = decodeProtectedHeader(text);
    return alg === ALGORITHM && isType(typ) && typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Verifies that this grant's key signed a code and returns its claims; undefined if not, or if the claims are not valid.
 * The times in the claims are not checked.
 */
export async function verifySignedCode(
  code: Uint8Array,
  grantUid: string,
  signingKey: GrantSigningKey,
): Promise<SignedCode | undefined> {
  if (compactText(code) === undefined) return undefined;
  try {
    const { payload, protectedHeader } = await compactVerify(code, signingKey.key, {
      algorithms: [ALGORITHM],
    });
    // No critical header parameter is supported (RFC 7515 §4.1.11).
    const { typ, crit } = protectedHeader;
    if (!isType(typ) || crit !== undefined) return undefined;
    const claims = claimsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)), typ);
    return claims?.grantUid === grantUid ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the claims of a signed code without verification, for the holder of a token; undefined for other codes. */
export function readSignedCode(code: string): SignedCode | undefined {
  if (signedCodeKid(Buffer.from(code)) === undefined) return undefined;
  try {
    return claimsOf(decodeJwt(code), decodeProtectedHeader(code).typ);
  } catch {
    return undefined;
  }
}

/**
 * Returns the challengePassword of the certificate request that redeems a bound code (linked as in RFC 7030 §3.5): base64url of
 * SHA-256 over the code. So a request that was made for another purpose, or for another code, does not redeem it.
 */
export function challengeOf(code: Uint8Array | string): string {
  return hash('sha256', code, 'base64url');
}

function isType(typ: unknown): typ is string {
  return typ === TYPE || typ === BOUND_TYPE;
}

function claimsOf(claims: unknown, typ: unknown): SignedCode | undefined {
  if (typeof claims !== 'object' || claims === null) return undefined;
  const common = commonClaimsOf(claims as Readonly<Record<string, unknown>>);
  if (!common) return undefined;
  // The claims must match the id, because lists and records of codes contain only the id.
  const replaces = replacedRedemptionId(common.jti);
  const keyPrefix = keyPrefixOf(common.jti);
  if (typ === BOUND_TYPE)
    return boundClaimsOf(claims as Readonly<Record<string, unknown>>, common, { replaces, keyPrefix });
  return replaces === undefined && keyPrefix === undefined ? common : undefined;
}

function boundClaimsOf(
  claims: Readonly<Record<string, unknown>>,
  common: SignedCode,
  { replaces, keyPrefix }: Readonly<Record<'replaces' | 'keyPrefix', string | undefined>>,
): SignedCode | undefined {
  if (claims.replaces !== replaces || common.subject === undefined) return undefined;
  if (Object.keys(claims).some((claim) => !BOUND_CLAIMS.has(claim))) return undefined;
  const { key } = claims;
  const replacing = replaces === undefined ? undefined : { ...common, replaces };
  if (key === undefined && keyPrefix === undefined) return replacing;
  if (typeof key !== 'string' || !SHA256.test(key) || !key.startsWith(keyPrefix ?? '')) return undefined;
  return { ...common, ...replacing, keySha256: key };
}

function commonClaimsOf(claims: Readonly<Record<string, unknown>>): SignedCode | undefined {
  const { sub, jti, iat, exp, nbf, uses = 1, subject, crit } = claims;
  if (typeof sub !== 'string' || typeof jti !== 'string' || !isTokenId(jti)) return undefined;
  if (isIdentityJti(jti)) return undefined;
  if (!isTime(iat) || !isTime(exp) || !isCount(uses) || crit !== undefined) return undefined;
  if (nbf !== undefined && !isTime(nbf)) return undefined;
  if (subject !== undefined && (typeof subject !== 'string' || !isSubject(subject))) return undefined;
  return {
    jti,
    grantUid: sub,
    uses,
    issuedAt: Math.floor(iat * 1000),
    ...(nbf !== undefined && { notBefore: Math.floor(nbf * 1000) }),
    expirationTime: Math.floor(exp * 1000),
    ...(subject !== undefined && { subject }),
  };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 8_640_000_000_000;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_USES;
}

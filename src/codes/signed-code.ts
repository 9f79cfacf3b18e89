// Loading only these parts of jose makes each command start earlier.
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { CompactSign } from 'jose/jws/compact/sign';
import { compactVerify } from 'jose/jws/compact/verify';
import { decodeJwt } from 'jose/jwt/decode';
import { isSubject } from '../domain/names.js';
import type { GrantSigningKey } from './signing-keys.js';

const TYPE = 'linkgrant-code+jwt';
const ALGORITHM = 'HS256';
const MAX_USES = 1_000_000;
const JTI = /^[A-Za-z0-9_-]{8,64}$/;
// The maximum length of a redemption's body.
const MAX_LENGTH = 4096;

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
  /** The only subject that may redeem it; absent for any. */
  readonly subject?: string;
}

/**
 * Signs a code: a compact JWS (RFC 7515) with the claims `sub` (grant uid), `jti`, `iat`, `exp` (whole seconds), `uses`
 * and `subject`. Unmodified Skupper clients redeem it like any other code.
 */
export async function mintSignedCode(code: SignedCode, signingKey: GrantSigningKey): Promise<string> {
  const { grantUid: sub, jti, uses, issuedAt, expirationTime, subject } = code;
  const claims = {
    sub,
    jti,
    iat: Math.floor(issuedAt / 1000),
    exp: Math.floor(expirationTime / 1000),
    uses,
    ...(subject !== undefined && { subject }),
  };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: signingKey.kid })
    .sign(signingKey.key);
}

/**
 * Reads the id of the master key from a presented code, undefined if it does not have the form of a signed code. The signature is
 * not verified.
 */
export function signedCodeKid(code: Uint8Array): string | undefined {
  const text = textOf(code);
  if (text === undefined) return undefined;
  try {
    const { alg, typ, kid } = decodeProtectedHeader(text);
    return alg === ALGORITHM && typ === TYPE && typeof kid === 'string' ? kid : undefined;
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
  if (textOf(code) === undefined) return undefined;
  try {
    const { payload, protectedHeader } = await compactVerify(code, signingKey.key, {
      algorithms: [ALGORITHM],
    });
    // No critical header parameter is supported (RFC 7515 §4.1.11).
    if (protectedHeader.typ !== TYPE || protectedHeader.crit !== undefined) return undefined;
    const claims = claimsOf(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)));
    return claims?.grantUid === grantUid ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the claims of a signed code without verification, for the holder of a token; undefined for other codes. */
export function readSignedCode(code: string): SignedCode | undefined {
  if (signedCodeKid(Buffer.from(code)) === undefined) return undefined;
  try {
    return claimsOf(decodeJwt(code));
  } catch {
    return undefined;
  }
}

/** True for a valid `jti` of a code: 8 to 64 of `A-Z a-z 0-9 _ -`. */
export function isTokenId(value: string): boolean {
  return JTI.test(value);
}

function textOf(code: Uint8Array): string | undefined {
  if (code.length > MAX_LENGTH) return undefined;
  const text = Buffer.from(code).toString('latin1');
  // Checked before parsing, because most codes are not signed.
  const signature = /^eyJ[\w-]+\.[\w-]+\.([\w-]+)$/.exec(text)?.[1];
  if (signature === undefined) return undefined;
  // Only the canonical form of base64 is accepted.
  return Buffer.from(signature, 'base64url').toString('base64url') === signature ? text : undefined;
}

function claimsOf(claims: unknown): SignedCode | undefined {
  if (typeof claims !== 'object' || claims === null) return undefined;
  const { sub, jti, iat, exp, nbf, uses = 1, subject, crit } = claims as Readonly<Record<string, unknown>>;
  if (typeof sub !== 'string' || typeof jti !== 'string' || !isTokenId(jti)) return undefined;
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

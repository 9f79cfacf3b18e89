import { createPublicKey, hash, type KeyObject, X509Certificate } from 'node:crypto';
// Loading only these parts of jose makes each command start earlier.
import { decode } from 'jose/base64url';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { CompactSign } from 'jose/jws/compact/sign';
import { compactVerify } from 'jose/jws/compact/verify';
import { isUuid } from '../domain/names.js';

const TYPE = 'linkgrant-renewal+jwt';
const MAX_LENGTH = 16 * 1024;
const COMPACT_JWS = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;
const THUMBPRINT = /^[\w-]{43}$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const AUDIENCE = 'urn:uuid:';
const EVERY_ALGORITHM = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'];
// The generator of P-256, whose private key is 1. Verifying with it takes the usual time; the result is ignored.
const DUMMY_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
  y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
};

/** The content of a renewal request before its signature is verified. */
export interface UnverifiedRenewal {
  /** UUID of the redemption that is to be renewed. */
  readonly redemptionId: string;
  /** SHA-256 over the DER of the certificate whose key signed the request, lower-case hex. */
  readonly certificateSha256: string;
}

/** The content of a verified renewal request. */
export interface RenewalRequest {
  /** DER of a PKCS#10 request for the new key, not validated yet. */
  readonly csrDer: Uint8Array;
  /** When it was signed, milliseconds since the epoch. */
  readonly issuedAt: number;
}

/** Returns the algorithms (RFC 7518 §3.1, RFC 8037) of a link's key, the preferred one first; none for a key of another kind. */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string[] {
  if (asymmetricKeyType === 'rsa') return ['RS256', 'PS256'];
  if (asymmetricKeyType === 'ed25519') return ['EdDSA'];
  if (asymmetricKeyDetails?.namedCurve === 'prime256v1') return ['ES256'];
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? ['ES384'] : [];
}

/**
 * Signs a request for a new certificate with a link's present key: a compact JWS (RFC 7515) whose header names the link
 * certificate by its hash, with the claims `csr`, `iat` and `aud`. If the PEM text has intermediates, the first certificate
 * is used. Rejects for a certificate that cannot be read, or a key of a kind that no link has.
 */
export async function signRenewalRequest(o: {
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
  readonly redemptionId: string;
  readonly csrDer: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
}): Promise<string> {
  const [alg] = algorithmsOf(o.privateKey);
  if (alg === undefined) throw new Error('the key type is not supported for link certificates');
  const certificateSha256 = hash('sha256', new X509Certificate(o.certificatePem).raw, 'base64url');
  const claims = {
    csr: Buffer.from(o.csrDer).toString('base64'),
    iat: Math.floor(o.now / 1000),
    aud: AUDIENCE + o.redemptionId,
  };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg, typ: TYPE, 'x5t#S256': certificateSha256 })
    .sign(o.privateKey);
}

/**
 * Reads which redemption a request is to renew, undefined if it is not a renewal request. The signature is not verified: the
 * result identifies the certificate that {@link verifyRenewalRequest} needs.
 */
export function readRenewalRequest(text: string): UnverifiedRenewal | undefined {
  if (text.length > MAX_LENGTH || !COMPACT_JWS.test(text)) return undefined;
  try {
    const { alg, typ, crit, ...others } = decodeProtectedHeader(text);
    const thumbprint = others['x5t#S256'];
    // No critical header parameter is supported (`b64`, RFC 7797, would change the signed content).
    if (typ !== TYPE || crit !== undefined || !EVERY_ALGORITHM.includes(alg ?? '')) return undefined;
    if (typeof thumbprint !== 'string' || !THUMBPRINT.test(thumbprint)) return undefined;
    const claims = claimsOf(decode(text.split('.')[1] ?? ''));
    const certificateSha256 = Buffer.from(thumbprint, 'base64url').toString('hex');
    return claims && { redemptionId: claims.redemptionId, certificateSha256 };
  } catch {
    return undefined;
  }
}

/**
 * Verifies that the key of the first certificate in `certificatePem` signed a request, with an algorithm of that kind of
 * key. Returns the content of the request, undefined if it does not verify. Without a certificate, verifies an ES256 signature
 * with a fixed key, so that this takes the usual time, and returns undefined. The time of the request is not checked.
 */
export async function verifyRenewalRequest(
  text: string,
  certificatePem: string | undefined,
): Promise<RenewalRequest | undefined> {
  const key =
    certificatePem === undefined
      ? createPublicKey({ key: DUMMY_KEY, format: 'jwk' })
      : new X509Certificate(certificatePem).publicKey;
  try {
    const algorithms = algorithmsOf(key);
    const { payload, protectedHeader } = await compactVerify(text, key, { algorithms });
    if (certificatePem === undefined || protectedHeader.typ !== TYPE) return undefined;
    return claimsOf(payload);
  } catch {
    return undefined;
  }
}

function claimsOf(payload: Uint8Array): (RenewalRequest & { readonly redemptionId: string }) | undefined {
  const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (typeof claims !== 'object' || claims === null) return undefined;
  const { csr, iat, aud } = claims as Readonly<Record<string, unknown>>;
  if (typeof csr !== 'string' || csr.length % 4 !== 0 || !BASE64.test(csr)) return undefined;
  if (typeof iat !== 'number' || !(Math.abs(iat) <= 8_640_000_000_000)) return undefined;
  if (typeof aud !== 'string' || !aud.startsWith(AUDIENCE)) return undefined;
  const redemptionId = aud.slice(AUDIENCE.length);
  if (!isUuid(redemptionId)) return undefined;
  return { redemptionId, csrDer: Buffer.from(csr, 'base64'), issuedAt: Math.floor(iat * 1000) };
}

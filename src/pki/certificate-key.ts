import { DerReader, TAG } from './der.js';

/** Object identifiers of the algorithms of public keys (RFC 3279 §2.3, RFC 8410 §3). */
export const KEY_ALGORITHM = {
  ec: '1.2.840.10045.2.1',
  rsa: '1.2.840.113549.1.1.1',
  ed25519: '1.3.101.112',
} as const;

/** Object identifiers of the curves of EC keys (RFC 5480 §2.1.1.1). */
export const CURVE = { p256: '1.2.840.10045.3.1.7', p384: '1.3.132.0.34', p521: '1.3.132.0.35' } as const;

/** The largest public exponent of an accepted RSA key. */
export const LARGEST_RSA_EXPONENT = 2 ** 32;

const CURVES = new Set<string>(Object.values(CURVE));
const NOT_ACCEPTED = 'a key that is none of RSA, P-256, P-384, P-521 and Ed25519';

/** Number of bits of an RSA modulus (big-endian, no sign byte). */
export function rsaBits(modulus: Uint8Array): number {
  return modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
}

/** Why an RSA key of so many bits is not accepted; undefined if it is. */
export function rsaSizeProblem(bits: number): string | undefined {
  return bits < 2048 || bits > 4096 ? `an RSA key of ${bits} bits; 2048 to 4096 are accepted` : undefined;
}

/**
 * Why the key of a certificate (DER of its SubjectPublicKeyInfo) is not accepted for verifying signatures, as a noun phrase;
 * undefined if it is accepted. Verification with other keys may take seconds, so this check runs before OpenSSL uses the key.
 * Throws DerError.
 */
export function certificateKeyProblem(spkiDer: Uint8Array): string | undefined {
  const spki = new DerReader(spkiDer).enter(TAG.sequence);
  const algorithm = spki.enter(TAG.sequence);
  const kind = algorithm.readOid();
  if (kind === KEY_ALGORITHM.ed25519) return undefined;
  if (kind === KEY_ALGORITHM.ec) {
    return algorithm.nextTag === TAG.oid && CURVES.has(algorithm.readOid()) ? undefined : NOT_ACCEPTED;
  }
  if (kind !== KEY_ALGORITHM.rsa) return NOT_ACCEPTED;
  const numbers = new DerReader(spki.readBits()).enter(TAG.sequence);
  const sizeProblem = rsaSizeProblem(rsaBits(numbers.readUnsigned()));
  if (sizeProblem !== undefined) return sizeProblem;
  const exponent = numbers.readUnsigned().reduce((value, byte) => value * 256 + byte, 0);
  return exponent > LARGEST_RSA_EXPONENT ? 'an RSA key with an exponent above 2^32' : undefined;
}

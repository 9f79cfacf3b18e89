import { DerReader, TAG } from './der.js';

const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const RSA = '1.2.840.113549.1.1.1';
const ED25519 = '1.3.101.112';
// P-256, P-384 and P-521.
const CURVES = new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);
const NOT_ACCEPTED = 'a key that is none of RSA, P-256, P-384, P-521 and Ed25519';

/**
 * Why the key of a certificate (DER of its SubjectPublicKeyInfo) is not accepted for verifying signatures, as a noun phrase;
 * undefined if it is accepted. Verification with other keys may take seconds, so this check runs before OpenSSL uses the key.
 * Throws DerError.
 */
export function certificateKeyProblem(spkiDer: Uint8Array): string | undefined {
  const spki = new DerReader(spkiDer).enter(TAG.sequence);
  const algorithm = spki.enter(TAG.sequence);
  const kind = algorithm.readOid();
  if (kind === ED25519) return undefined;
  if (kind === EC_PUBLIC_KEY) {
    return algorithm.nextTag === TAG.oid && CURVES.has(algorithm.readOid()) ? undefined : NOT_ACCEPTED;
  }
  if (kind !== RSA) return NOT_ACCEPTED;
  const numbers = new DerReader(spki.readBits()).enter(TAG.sequence);
  const modulus = numbers.readUnsigned();
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < 2048 || bits > 4096) return `an RSA key of ${bits} bits; 2048 to 4096 are accepted`;
  const exponent = numbers.readUnsigned().reduce((value, byte) => value * 256 + byte, 0);
  return exponent > 2 ** 32 ? 'an RSA key with an exponent above 2^32' : undefined;
}

import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const MINTED_LENGTH = 24;

/** Generates a code: 24 characters of `[A-Za-z0-9]`, each equally likely (142 bits). */
export function mintCode(): string {
  let code = '';
  // randomInt is unbiased, unlike the remainder of a random byte.
  while (code.length < MINTED_LENGTH) code += ALPHABET.charAt(randomInt(ALPHABET.length));
  return code;
}

/** Returns the hash that stores contain instead of the code: SHA-256 over the grant's uid (UTF-8) and the code's bytes. */
export function hashCode(grantUid: string, code: Uint8Array): Uint8Array {
  return createHash('sha256').update(grantUid, 'utf8').update(code).digest();
}

/** True if `hash` is that of `code` for this grant; compares in constant time. */
export function codeMatches(hash: Uint8Array, grantUid: string, code: Uint8Array): boolean {
  const actual = hashCode(grantUid, code);
  return hash.length === actual.length && timingSafeEqual(hash, actual);
}

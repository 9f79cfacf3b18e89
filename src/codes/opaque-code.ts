import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const MINTED_LENGTH = 24;
const SHORTEST_CHOSEN = 16;
const LONGEST_CHOSEN = 4000;

/** A new code: 24 characters of `[A-Za-z0-9]`, each equally likely (142 bits). */
export function mintCode(): string {
  let code = '';
  // randomInt draws again instead of reducing, so no character is favoured.
  while (code.length < MINTED_LENGTH) code += ALPHABET.charAt(randomInt(ALPHABET.length));
  return code;
}

/** SHA-256 over the grant's uid (UTF-8) followed by the code's bytes: what a store keeps instead of the code. */
export function hashCode(grantUid: string, code: Uint8Array): Uint8Array {
  return createHash('sha256').update(grantUid, 'utf8').update(code).digest();
}

/** True if `code` is the one that `hash` was made from for this grant; takes the same time wherever they differ. */
export function codeMatches(hash: Uint8Array, grantUid: string, code: Uint8Array): boolean {
  const actual = hashCode(grantUid, code);
  return hash.length === actual.length && timingSafeEqual(hash, actual);
}

/**
 * Why a code that a person chose is not accepted, or undefined if it is: 16 to 4,000 printable ASCII characters without
 * white space. The reason does not repeat the code.
 */
export function checkChosenCode(code: string): string | undefined {
  if (!/^[\x21-\x7e]*$/.test(code))
    return 'the code may hold printable ASCII characters only, and no white space';
  if (code.length < SHORTEST_CHOSEN) return `the code must have at least ${SHORTEST_CHOSEN} characters`;
  if (code.length > LONGEST_CHOSEN) return `the code must have at most ${LONGEST_CHOSEN} characters`;
  return undefined;
}

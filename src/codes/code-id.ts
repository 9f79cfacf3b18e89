import { hash, randomBytes } from 'node:crypto';

const JTI = /^[A-Za-z0-9_-]{8,64}$/;
const REPLACING_JTI = /^re-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-/;
// An attacker cannot generate another key with so many equal digits, and no id has more than 64 characters.
const KEY_PREFIX_DIGITS = 16;
const REQUEST_DIGITS = 24;
const REPLACING_REQUEST_DIGITS = 20;
const BOUND_JTI = /^(?:re-[0-9a-f-]{36}-)?key-([0-9a-f]{16,24})(?:-|$)/;
// The id of the record of an identity. A code with such an id is invalid, because its uses would be counted there.
const IDENTITY_JTI = /^id-[0-9a-f]{32}$/;

/**
 * Returns a new id of a code: `re-` and the id of the redemption that the code replaces, `key-` and the first digits of the SHA-256
 * of the key that it is bound to, and random digits. So the id alone, which is what lists and records contain, shows both.
 */
export function newCodeId(keySha256?: string, replaces?: string): string {
  const prefix = codeIdPrefix(keySha256, replaces);
  // Hexadecimal, so that no id looks like a command-line flag. An id has at most 64 characters.
  if (replaces !== undefined && keySha256 !== undefined) return prefix + randomBytes(2).toString('base64url');
  const bytes = replaces !== undefined ? 4 : keySha256 !== undefined ? 6 : 12;
  return prefix + randomBytes(bytes).toString('hex');
}

/** Returns the beginning of {@link newCodeId}, which names what the code is for. */
export function codeIdPrefix(keySha256?: string, replaces?: string): string {
  const key = keySha256 === undefined ? '' : `key-${keySha256.slice(0, KEY_PREFIX_DIGITS)}-`;
  return replaces === undefined ? key : `re-${replaces}-${key}`;
}

/**
 * Returns the id of the code that the certificate request of a key redeems without a network. It names the key and the redemption as
 * {@link newCodeId} does, without random digits: each key has one.
 */
export function requestCodeId(keySha256: string, replaces?: string): string {
  return replaces === undefined
    ? `key-${keySha256.slice(0, REQUEST_DIGITS)}`
    : `re-${replaces}-key-${keySha256.slice(0, REPLACING_REQUEST_DIGITS)}`;
}

/** Returns the first digits of the SHA-256 of the key that is in the id of a code; undefined for an id that names no key. */
export function keyPrefixOf(jti: string): string | undefined {
  return BOUND_JTI.exec(jti)?.[1];
}

/** Returns the id of the record that counts the uses of an identity. */
export function identityJti(provider: string, sub: string): string {
  return `id-${hash('sha256', `${provider}\0${sub}`).slice(0, 32)}`;
}

/** True for an id that {@link identityJti} returns. */
export function isIdentityJti(jti: string): boolean {
  return IDENTITY_JTI.test(jti);
}

/** True for a valid `jti` of a code: 8 to 64 of `A-Z a-z 0-9 _ -`. */
export function isTokenId(value: string): boolean {
  return JTI.test(value);
}

/** Returns the id of the redemption that the code with this `jti` replaces; undefined for a code that replaces none. */
export function replacedRedemptionId(jti: string): string | undefined {
  return REPLACING_JTI.exec(jti)?.[1];
}

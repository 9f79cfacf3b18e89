const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = BigInt(DIGITS.length);
// Two digits after the prefix count the characters that follow.
const LENGTH_DIGITS = 2;
const MAX_BODY = DIGITS.length ** LENGTH_DIGITS - 1;
const MAX_TEXT = 64 * 1024;

/** Prefixes of the words that linkgrant prints: a join line, and the request of a link. */
export type WordPrefix = 'lgj1_' | 'lgq1_';

/**
 * Writes bytes as one word: the prefix, two digits for the number of characters that follow, and the bytes in base 62. The first
 * byte must not be 0. Undefined if the word would have more than 3,850 characters.
 */
export function writeWord(prefix: WordPrefix, bytes: Uint8Array): string | undefined {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const body = toDigits(BigInt(`0x${hex}`));
  if (body.length > MAX_BODY) return undefined;
  return prefix + toDigits(BigInt(body.length)).padStart(LENGTH_DIGITS, '0') + body;
}

/** True if a text contains the beginning of such a word. */
export function containsWord(prefix: WordPrefix, text: string): boolean {
  return beginningOf(prefix).test(text.slice(0, MAX_TEXT));
}

/**
 * Reads the bytes of the first word with this prefix in a text, or returns why that is not possible, as a clause that ends a
 * sentence. Skips characters that no word contains, so that it can be wrapped, quoted or put in brackets.
 */
export function readWord(prefix: WordPrefix, text: string): Uint8Array | string {
  const start = beginningOf(prefix).exec(text.slice(0, MAX_TEXT));
  if (!start) return `it does not contain ${prefix}, with which it has to begin`;
  if (start[0].replace(/[^0-9A-Za-z_]/g, '') !== prefix) {
    return 'its upper and lower case letters were changed on the way';
  }
  const characters = text.slice(start.index + start[0].length).replace(/[^0-9A-Za-z]/g, '');
  const length = Number(toNumber(characters.slice(0, LENGTH_DIGITS)));
  const body = characters.slice(LENGTH_DIGITS, LENGTH_DIGITS + length);
  if (characters.length < LENGTH_DIGITS || body.length < length) {
    const expected = prefix.length + LENGTH_DIGITS + length;
    return `it was cut off: it has ${prefix.length + characters.length} of ${expected} characters`;
  }
  const hex = toNumber(body).toString(16);
  const bytes = hex.padStart(hex.length + (hex.length % 2), '0').match(/../g) ?? [];
  return Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16));
}

// Mail programs and editors put spaces, line breaks, soft hyphens and escapes between characters.
function beginningOf(prefix: WordPrefix): RegExp {
  return new RegExp([...prefix].join('[^0-9A-Za-z]*'), 'i');
}

function toDigits(number: bigint): string {
  let digits = '';
  for (let rest = number; rest > 0n; rest /= BASE) digits = DIGITS.charAt(Number(rest % BASE)) + digits;
  return digits;
}

function toNumber(digits: string): bigint {
  let number = 0n;
  for (const digit of digits) number = number * BASE + BigInt(DIGITS.indexOf(digit));
  return number;
}

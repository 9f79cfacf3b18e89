import { hash } from 'node:crypto';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = BigInt(DIGITS.length);
// Two digits after the prefix count the characters that follow.
const LENGTH_DIGITS = 2;
const MAX_BODY = DIGITS.length ** LENGTH_DIGITS - 1;
const MAX_TEXT = 64 * 1024;
const CHECKSUM_BYTES = 4;

/** Prefixes of the words that linkgrant prints: a join line, and the request of a link. */
export type WordPrefix = 'lgj1_' | 'lgq1_';

/**
 * Encodes bytes as one word that people can copy: the prefix, two digits for the number of characters that follow, and the
 * content with a checksum in base 62. The first byte must not be 0. Undefined if the word would have more than 3,850 characters.
 */
export function encodeWord(prefix: WordPrefix, content: Uint8Array): string | undefined {
  const body = toDigits(Buffer.concat([content, checksum(content)]));
  if (body.length > MAX_BODY) return undefined;
  return prefix + numberToDigits(BigInt(body.length)).padStart(LENGTH_DIGITS, '0') + body;
}

/** True if a text contains the beginning of such a word. */
export function containsWord(prefix: WordPrefix, text: string): boolean {
  return beginningOf(prefix).test(text.slice(0, MAX_TEXT));
}

/**
 * Decodes the first word with this prefix in a text, or returns why it cannot be decoded, as a clause that ends a sentence. Skips
 * characters that no word contains, so that it can be wrapped, quoted or put in brackets. The checksum detects every other change.
 */
export function decodeWord(prefix: WordPrefix, text: string): Buffer | string {
  const start = beginningOf(prefix).exec(text.slice(0, MAX_TEXT));
  if (!start) return `it does not contain ${prefix}, with which it has to begin`;
  if (start[0].replace(/[^0-9A-Za-z_]/g, '') !== prefix) {
    return 'its upper and lower case letters were changed on the way';
  }
  const characters = text.slice(start.index + start[0].length).replace(/[^0-9A-Za-z]/g, '');
  const length = Number(digitsToNumber(characters.slice(0, LENGTH_DIGITS)));
  const body = characters.slice(LENGTH_DIGITS, LENGTH_DIGITS + length);
  if (characters.length < LENGTH_DIGITS || body.length < length) {
    const expected = prefix.length + LENGTH_DIGITS + length;
    return `it was cut off: it has ${prefix.length + characters.length} of ${expected} characters`;
  }
  const bytes = toBytes(body);
  const content = bytes.subarray(0, -CHECKSUM_BYTES);
  return checksum(content).equals(bytes.subarray(-CHECKSUM_BYTES))
    ? content
    : 'its checksum does not match: a part is mistyped, missing, or in the wrong case';
}

// Mail programs and editors put spaces, line breaks, soft hyphens and escapes between characters.
function beginningOf(prefix: WordPrefix): RegExp {
  return new RegExp([...prefix].join('[^0-9A-Za-z]*'), 'i');
}

function checksum(content: Uint8Array): Buffer {
  return hash('sha256', content, 'buffer').subarray(0, CHECKSUM_BYTES);
}

function toDigits(bytes: Buffer): string {
  return numberToDigits(BigInt(`0x${bytes.toString('hex')}`));
}

function toBytes(digits: string): Buffer {
  const hex = digitsToNumber(digits).toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

function numberToDigits(number: bigint): string {
  let digits = '';
  for (let rest = number; rest > 0n; rest /= BASE) digits = DIGITS.charAt(Number(rest % BASE)) + digits;
  return digits;
}

function digitsToNumber(digits: string): bigint {
  let number = 0n;
  for (const digit of digits) number = number * BASE + BigInt(DIGITS.indexOf(digit));
  return number;
}

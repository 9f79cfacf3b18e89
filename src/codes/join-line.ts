import { hash } from 'node:crypto';
import type { CaPin } from '../domain/access-token.js';

/** The content of a join line, which is a token as one word. */
export interface JoinLine {
  readonly name: string;
  /** `https` URL that the code is posted to. */
  readonly url: string;
  readonly code: string;
  /** The CA of the service; undefined if a CA that Node trusts has issued the certificate of the service. */
  readonly ca: CaPin | undefined;
  readonly linkCost?: number | undefined;
}

const PREFIX = 'lgj1_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = BigInt(DIGITS.length);
// Two digits after the prefix count the characters that follow.
const LENGTH_DIGITS = 2;
const MAX_BODY = DIGITS.length ** LENGTH_DIGITS - 1;
const MAX_TEXT = 64 * 1024;
const CHECKSUM_BYTES = 4;
const PIN_BYTES = 16;
const UUID_BYTES = 16;
// The first byte is never 0, so that no leading byte is lost in the number.
const MARK = 0x80;
const HAS_PIN = 1;
const HAS_UUID = 2;
const UUID_AT_END = /\/([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/;
// Mail programs and editors put spaces, line breaks, soft hyphens and escapes between characters.
const START = new RegExp([...PREFIX].join('[^0-9A-Za-z]*'), 'i');

/**
 * Encodes a join line: `lgj1_`, two digits for the number of characters that follow, and the content in base 62: flags, the
 * CA pin, the UUID at the end of the URL, the texts, and a checksum. Undefined if it would be longer than 3,850 characters.
 */
export function encodeJoinLine({ name, url, code, ca, linkCost }: JoinLine): string | undefined {
  const uuid = UUID_AT_END.exec(url);
  const start = uuid ? url.slice(0, uuid.index) : url;
  const texts = [start.slice('https://'.length), name, linkCost ?? '', code];
  const content = Buffer.concat([
    Buffer.from([MARK | (ca ? HAS_PIN : 0) | (uuid ? HAS_UUID : 0)]),
    Buffer.from(ca?.pin ?? '', 'hex'),
    Buffer.from(uuid?.slice(1).join('') ?? '', 'hex'),
    Buffer.from(texts.join('\0')),
  ]);
  const body = toDigits(Buffer.concat([content, checksum(content)]));
  if (body.length > MAX_BODY) return undefined;
  return PREFIX + numberToDigits(BigInt(body.length)).padStart(LENGTH_DIGITS, '0') + body;
}

/** True if a text contains the beginning of a join line. */
export function containsJoinLine(text: string): boolean {
  return START.test(text.slice(0, MAX_TEXT));
}

/**
 * Reads the first join line in a text, or returns why it cannot be read, as a clause that ends a sentence. Skips characters that
 * no join line contains, so that a line can be wrapped, quoted or put in brackets. The checksum detects every other change. The
 * fields are not validated.
 */
export function decodeJoinLine(text: string): JoinLine | string {
  const start = START.exec(text.slice(0, MAX_TEXT));
  if (!start) return `it does not contain ${PREFIX}, with which every join line begins`;
  if (start[0].replace(/[^0-9A-Za-z_]/g, '') !== PREFIX) {
    return 'its upper and lower case letters were changed on the way';
  }
  const characters = text.slice(start.index + start[0].length).replace(/[^0-9A-Za-z]/g, '');
  const length = Number(digitsToNumber(characters.slice(0, LENGTH_DIGITS)));
  const body = characters.slice(LENGTH_DIGITS, LENGTH_DIGITS + length);
  if (characters.length < LENGTH_DIGITS || body.length < length) {
    const expected = PREFIX.length + LENGTH_DIGITS + length;
    return `it was cut off: it has ${PREFIX.length + characters.length} of ${expected} characters`;
  }
  const bytes = toBytes(body);
  const content = bytes.subarray(0, -CHECKSUM_BYTES);
  if (!checksum(content).equals(bytes.subarray(-CHECKSUM_BYTES))) {
    return 'its checksum does not match: a part is mistyped, missing, or in the wrong case';
  }
  return parseContent(content);
}

function parseContent(content: Buffer): JoinLine | string {
  const flags = content[0] ?? 0;
  if ((flags & ~(HAS_PIN | HAS_UUID)) !== MARK) return 'a newer version of linkgrant has written it';
  const pinEnd = 1 + (flags & HAS_PIN ? PIN_BYTES : 0);
  const uuidEnd = pinEnd + (flags & HAS_UUID ? UUID_BYTES : 0);
  if (content.length < uuidEnd) return 'its content is incomplete';
  const pin = content.toString('hex', 1, pinEnd);
  const uuid = content.toString('hex', pinEnd, uuidEnd).replace(/(.{8})(.{4})(.{4})(.{4})/, '/$1-$2-$3-$4-');
  const [url = '', name = '', linkCost = '', ...code] = content.toString('utf8', uuidEnd).split('\0');
  return {
    name,
    url: `https://${url}${uuid}`,
    code: code.join('\0'),
    ca: pin === '' ? undefined : { pin },
    ...(linkCost !== '' && { linkCost: Number(linkCost) }),
  };
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

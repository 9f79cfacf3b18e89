import type { CaPin } from '../domain/access-token.js';
import { containsWord, decodeWord, encodeWord } from './word.js';

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
const PIN_BYTES = 16;
const UUID_BYTES = 16;
// The first byte is never 0, so that no leading byte is lost in the number.
const MARK = 0x80;
const HAS_PIN = 1;
const HAS_UUID = 2;
const UUID_AT_END = /\/([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/;

/**
 * Encodes a join line: a word with flags, the CA pin, the UUID at the end of the URL, and the texts. Undefined if it would be longer
 * than 3,850 characters.
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
  return encodeWord(PREFIX, content);
}

/** True if a text contains the beginning of a join line. */
export function containsJoinLine(text: string): boolean {
  return containsWord(PREFIX, text);
}

/** Reads the first join line in a text, or returns why it cannot be read, as `decodeWord` does. The fields are not validated. */
export function decodeJoinLine(text: string): JoinLine | string {
  const content = decodeWord(PREFIX, text);
  return typeof content === 'string' ? content : parseContent(content);
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

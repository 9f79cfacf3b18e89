import type { CaPin } from '../domain/access-token.js';
import { packSignedCode, unpackSignedCode, uuidOf } from './packed-code.js';
import { decodeWord, encodeWord } from './word.js';
import { containsWord } from './word-text.js';

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
// Set in the first byte, which `encodeWord` requires not to be 0.
const MARK = 0x80;
const HAS_PIN = 1;
const HAS_UUID = 2;
const HAS_PACKED_CODE = 4;
const NEWER_VERSION = 'a newer version of linkgrant has written it';
const UUID_AT_END = /\/([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/;

/**
 * Encodes a join line: a word with flags, the CA pin, the UUID at the end of the URL, the texts, and the code, packed if
 * `packSignedCode` can pack it for the grant of this UUID. Undefined if `encodeWord` refuses its length.
 */
export function encodeJoinLine({ name, url, code, ca, linkCost }: JoinLine): string | undefined {
  const uuid = UUID_AT_END.exec(url);
  const start = uuid ? url.slice(0, uuid.index) : url;
  const texts = [start.slice('https://'.length), name, linkCost ?? '', ''];
  const packed = uuid ? packSignedCode(code, uuid[0].slice(1)) : undefined;
  const content = Buffer.concat([
    Buffer.from([MARK | (ca ? HAS_PIN : 0) | (uuid ? HAS_UUID : 0) | (packed ? HAS_PACKED_CODE : 0)]),
    Buffer.from(ca?.pin ?? '', 'hex'),
    Buffer.from(uuid?.slice(1).join('') ?? '', 'hex'),
    Buffer.from(texts.join('\0')),
    packed ?? Buffer.from(code),
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
  if ((flags & ~(HAS_PIN | HAS_UUID | HAS_PACKED_CODE)) !== MARK) return NEWER_VERSION;
  const pinEnd = 1 + (flags & HAS_PIN ? PIN_BYTES : 0);
  const uuidEnd = pinEnd + (flags & HAS_UUID ? UUID_BYTES : 0);
  if (content.length < uuidEnd) return 'its content is incomplete';
  const pin = content.toString('hex', 1, pinEnd);
  const uuid = uuidOf(content.subarray(pinEnd, uuidEnd));
  let codeAt = uuidEnd;
  for (let texts = 0; texts < 3; texts++) codeAt = content.indexOf(0, codeAt) + 1;
  const [url = '', name = '', linkCost = ''] = content.toString('utf8', uuidEnd, codeAt).split('\0');
  const packed = content.subarray(codeAt);
  const code = flags & HAS_PACKED_CODE ? unpackSignedCode(packed, uuid) : packed.toString();
  if (code === undefined) return NEWER_VERSION;
  return {
    name,
    url: `https://${url}${uuid === '' ? '' : `/${uuid}`}`,
    code,
    ca: pin === '' ? undefined : { pin },
    ...(linkCost !== '' && { linkCost: Number(linkCost) }),
  };
}

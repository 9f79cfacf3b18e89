import { DerReader, TAG } from './der.js';
import { element, encodeConstructed, oid } from './der-encoding.js';

/** The attribute type commonName. */
export const COMMON_NAME = '2.5.4.3';
const COMMON_NAME_DER = oid(COMMON_NAME);
/** Maximum number of characters of a common name (`ub-common-name`, RFC 5280 appendix A). */
export const MAX_COMMON_NAME_LENGTH = 64;

/** DER of a Name that is only a common name: the first 64 characters (code points) of `text`, as UTF-8. */
export function encodeCommonName(text: string): Uint8Array {
  const cut = [...text].slice(0, MAX_COMMON_NAME_LENGTH).join('');
  if (cut === '') throw new RangeError('a common name must not be empty');
  const attribute = encodeConstructed(TAG.sequence, [COMMON_NAME_DER, element(TAG.utf8String, cut)]);
  return encodeConstructed(TAG.sequence, [encodeConstructed(TAG.set, [attribute])]);
}

function decodeString(tag: number, content: Uint8Array): string {
  const bytes = Buffer.from(content);
  if (tag === TAG.bmpString && bytes.length % 2 === 0) return bytes.swap16().toString('utf16le');
  return bytes.toString(tag === TAG.utf8String ? 'utf8' : 'latin1');
}

/** One attribute of a Name: its type as a dotted object identifier, its value as text. */
interface NameAttribute {
  readonly type: string;
  readonly text: string;
}

function readAttribute(attribute: DerReader): NameAttribute {
  const type = attribute.readOid();
  const { tag, content } = attribute.read();
  return { type, text: decodeString(tag, content) };
}

/**
 * Reads the DER of a Name. Returns one list for each relative name, in order, with the result of `read` for each attribute.
 * Throws DerError if the DER is not a Name.
 */
export function relativeNames<T>(nameDer: Uint8Array, read: (attribute: DerReader) => T): T[][] {
  const names: T[][] = [];
  const sets = new DerReader(nameDer).enter(TAG.sequence);
  while (!sets.done) {
    const attributes = sets.enter(TAG.set);
    const name: T[] = [];
    while (!attributes.done) name.push(read(attributes.enter(TAG.sequence)));
    names.push(name);
  }
  return names;
}

/** Returns the text of a Name (DER) that is only one common name; undefined for any other. Throws DerError if it is no Name. */
export function onlyCommonName(nameDer: Uint8Array): string | undefined {
  const [attribute, ...others] = relativeNames(nameDer, readAttribute).flat();
  return attribute?.type === COMMON_NAME && others.length === 0 ? attribute.text : undefined;
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

/**
 * Returns a certificate's Name (DER) as text for people: its last common name, else its attributes as `O=Example, OU=Sites`,
 * else `(no name)`. Control characters are replaced. Throws DerError if it is no Name.
 */
export function subjectText(nameDer: Uint8Array): string {
  const attributes = relativeNames(nameDer, readAttribute).flat();
  const text =
    attributes.findLast(({ type }) => type === COMMON_NAME)?.text ??
    attributes.map(({ type, text }) => `${SHORT_NAMES[type] ?? type}=${text}`).join(', ');
  return text.replace(UNPRINTABLE, '\ufffd') || '(no name)';
}

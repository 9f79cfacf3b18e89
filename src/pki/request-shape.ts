import { isAscii, isUtf8 } from 'node:buffer';
import { DerError, DerReader, TAG } from './der.js';

const MAX_DEPTH = 16;
/** The attribute type challengePassword (RFC 2985 §5.4.1). */
export const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7';

/**
 * Throws DerError if the type is not UTF8String, PrintableString or IA5String, or if the bytes are invalid for it: other
 * parsers of certificate requests would refuse the whole request.
 */
function checkString(tag: number, content: Uint8Array): void {
  if (tag === TAG.utf8String) {
    if (!isUtf8(content)) throw new DerError('text that is not UTF-8');
  } else if (tag === TAG.printableString || tag === TAG.ia5String) {
    if (!isAscii(content)) throw new DerError('text that is not ASCII');
  } else {
    throw new DerError('a value of a type that is not accepted');
  }
}

/**
 * Checks the content of a Name (RFC 5280 §4.1.2.4): sets of attributes whose values are UTF8String, PrintableString or
 * IA5String. Throws DerError.
 */
export function checkName(content: Uint8Array): void {
  const sets = new DerReader(content);
  while (!sets.done) {
    const attributes = sets.enter(TAG.set);
    do {
      const attribute = attributes.enter(TAG.sequence);
      attribute.readOid();
      const value = attribute.read();
      checkString(value.tag, value.content);
      attribute.finish();
    } while (!attributes.done);
  }
}

/** Checks that everything inside a constructed element is well-formed, without interpreting it. */
function checkNested(content: Uint8Array, depth: number): void {
  if (depth > MAX_DEPTH) throw new DerError('elements nested too deep');
  const reader = new DerReader(content);
  while (!reader.done) {
    const inner = reader.read();
    if ((inner.tag & 0x20) !== 0) checkNested(inner.content, depth + 1);
  }
}

/**
 * Checks the content of the attributes of a certificate request (RFC 2986 §4.1). Each has a type and one or more values: a
 * SEQUENCE or a string. Returns the challengePassword; undefined if there is none, or more than one. Throws DerError.
 */
export function readAttributes(content: Uint8Array): string | undefined {
  const attributes = new DerReader(content);
  const challenges: string[] = [];
  while (!attributes.done) {
    const attribute = attributes.enter(TAG.sequence);
    const type = attribute.readOid();
    const values = attribute.enter(TAG.set);
    do {
      const value = values.read();
      if (value.tag === TAG.sequence) checkNested(value.content, 0);
      else checkString(value.tag, value.content);
      if (type === CHALLENGE_PASSWORD) challenges.push(Buffer.from(value.content).toString());
    } while (!values.done);
    attribute.finish();
  }
  return challenges.length === 1 ? challenges[0] : undefined;
}

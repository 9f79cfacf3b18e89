import asn1 from 'node-forge/lib/asn1.js';
import { TAG } from './der.js';

const CLASS_BITS = 0xc0;

/** Encodes an element with the given identifier octet; text becomes UTF-8. */
export function element(tag: number, content: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(content).toString('latin1');
  // The constructed bit is passed as a part of the type, so that the encoder copies encoded content instead of parsing it.
  const tree = asn1.create(tag & CLASS_BITS, tag & ~CLASS_BITS, false, bytes);
  return Buffer.from(asn1.toDer(tree).getBytes(), 'latin1');
}

/** Encodes an element that contains encoded elements. */
export function encodeConstructed(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  return element(tag, Buffer.concat(parts));
}

/** Encodes a BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return encodeConstructed(TAG.bitString, [Buffer.of(0), bytes]);
}

/** Encodes an INTEGER that is not negative, from its bytes in hex. */
export function unsignedInteger(hex: string): Uint8Array {
  // The encoder removes a zero that is not needed as the sign.
  return element(TAG.integer, Buffer.from(`00${hex}`, 'hex'));
}

/** Encodes an OBJECT IDENTIFIER that is written with dots. */
export function oid(dotted: string): Uint8Array {
  return element(TAG.oid, Buffer.from(asn1.oidToDer(dotted).getBytes(), 'latin1'));
}

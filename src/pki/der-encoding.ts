import forge from 'node-forge';
import { TAG } from './der.js';

/** Writes identifier and length (X.690 §8.1.3, definite and minimal), and gives the element with room for its content. */
function begin(tag: number, length: number): { readonly der: Buffer; readonly contentAt: number } {
  let contentAt = 2;
  for (let left = length; length >= 0x80 && left > 0; left >>>= 8) contentAt++;
  const der = Buffer.allocUnsafe(contentAt + length);
  der[0] = tag;
  if (contentAt === 2) der[1] = length;
  else {
    der[1] = 0x80 | (contentAt - 2);
    der.writeUIntBE(length, 2, contentAt - 2);
  }
  return { der, contentAt };
}

/** DER of an element of the given identifier octet; text becomes UTF-8. */
export function element(tag: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const { der, contentAt } = begin(tag, bytes.length);
  der.set(bytes, contentAt);
  return der;
}

/** DER of an element that holds others, which are encoded already. */
export function constructed(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const { der, contentAt } = begin(
    tag,
    parts.reduce((length, part) => length + part.length, 0),
  );
  let at = contentAt;
  for (const part of parts) {
    der.set(part, at);
    at += part.length;
  }
  return der;
}

/** DER of a BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return constructed(TAG.bitString, [Buffer.of(0), bytes]);
}

/** DER of an INTEGER that is not negative, from its bytes in hex without superfluous zero bytes. */
export function unsignedInteger(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  return element(TAG.integer, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]));
}

/** DER of an OBJECT IDENTIFIER given in dotted form. */
export function oid(dotted: string): Uint8Array {
  return element(TAG.oid, Buffer.from(forge.asn1.oidToDer(dotted).getBytes(), 'latin1'));
}

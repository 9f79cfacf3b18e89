import forge from 'node-forge';

const { asn1 } = forge;

/** A part of a DER encoding that is being put together. */
export type DerPart = forge.asn1.Asn1;

/** The binary string (one character a byte) that forge keeps content in. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** An element of the given identifier octet and content. */
export function element(tag: number, content: Uint8Array | string): DerPart {
  // The constructed bit goes in with the type, because forge would set it only for content that is a list.
  const text =
    typeof content === 'string' ? Buffer.from(content, 'utf8').toString('latin1') : binary(content);
  return asn1.create((tag & 0xc0) as forge.asn1.Class, (tag & 0x3f) as forge.asn1.Type, false, text);
}

/** An element that holds others. */
export function constructed(tag: number, parts: readonly DerPart[]): DerPart {
  return asn1.create((tag & 0xc0) as forge.asn1.Class, (tag & 0x1f) as forge.asn1.Type, true, [...parts]);
}

/** An element that is encoded already: one identifier, its length, its content and nothing behind it. */
export function encoded(der: Uint8Array): DerPart {
  const first = der[1] ?? 0;
  return element(der[0] ?? 0, der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f)));
}

/** A BIT STRING of whole bytes. */
export function bitString(bytes: Uint8Array): DerPart {
  return element(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

/** An OBJECT IDENTIFIER given in dotted form. */
export function oid(dotted: string): DerPart {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

/** DER of a part. */
export function toDer(part: DerPart): Uint8Array {
  return Buffer.from(asn1.toDer(part).getBytes(), 'latin1');
}

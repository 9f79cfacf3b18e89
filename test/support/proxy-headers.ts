/** The first 12 bytes of a PROXY header of version 2, in hexadecimal. */
export const PROXY_SIGNATURE = '0d0a0d0a000d0a515549540a';

/** A PROXY header of version 2. `family` is the byte of family and transport; `rest` follows the length, in hexadecimal. */
export function binaryProxyHeader(versionAndCommand: number, family: number, rest: string): Buffer {
  const fixed = Buffer.from([versionAndCommand, family, 0, 0]);
  fixed.writeUInt16BE(rest.length / 2, 2);
  return Buffer.concat([Buffer.from(PROXY_SIGNATURE, 'hex'), fixed, Buffer.from(rest, 'hex')]);
}

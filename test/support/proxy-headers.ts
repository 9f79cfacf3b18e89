/** The first 12 bytes of a PROXY header of version 2, in hexadecimal. */
export const PROXY_SIGNATURE = '0d0a0d0a000d0a515549540a';

/** A PROXY header of version 2: version and command, family and transport, and in hexadecimal what follows its length. */
export function binaryProxyHeader(versionAndCommand: number, family: number, rest: string): Buffer {
  const fixed = Buffer.from([versionAndCommand, family, 0, 0]);
  fixed.writeUInt16BE(rest.length / 2, 2);
  return Buffer.concat([Buffer.from(PROXY_SIGNATURE, 'hex'), fixed, Buffer.from(rest, 'hex')]);
}

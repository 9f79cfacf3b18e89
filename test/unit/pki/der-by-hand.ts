import { type KeyObject, sign } from 'node:crypto';

/** Encodes one DER element, independently of the encoder that these tests check. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

/** A CertificationRequestInfo (RFC 2986 §4.1) with an empty name; by default of version 0 and without attributes. */
export function requestInfo(
  spkiDer: Uint8Array,
  { version = der(0x02, Buffer.of(0)), tail = der(0xa0) }: { version?: Uint8Array; tail?: Uint8Array } = {},
): Buffer {
  return der(0x30, version, der(0x30), spkiDer, tail);
}

/** A request whose CertificationRequestInfo is `info`, valid or not, with a valid P-256 signature. */
export function signedRequest(info: Uint8Array, key: KeyObject): Buffer {
  const signature = der(0x03, Buffer.of(0), sign('sha256', info, key));
  return der(0x30, info, Buffer.from('300a06082a8648ce3d040302', 'hex'), signature);
}

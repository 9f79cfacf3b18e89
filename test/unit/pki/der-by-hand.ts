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

/** A request with any bytes `info` as its CertificationRequestInfo, and a valid P-256 signature. */
export function signedRequest(info: Uint8Array, key: KeyObject): Buffer {
  const signature = der(0x03, Buffer.of(0), sign('sha256', info, key));
  return der(0x30, info, Buffer.from('300a06082a8648ce3d040302', 'hex'), signature);
}

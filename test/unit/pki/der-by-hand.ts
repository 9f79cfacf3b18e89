import { type KeyObject, sign } from 'node:crypto';

/** One DER element, written by hand so that these tests do not depend on the encoder they are about. */
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

/** A request of P-256 with this content (of its CertificationRequestInfo), properly signed whatever the content is. */
export function signedRequest(info: Uint8Array, key: KeyObject): Buffer {
  const signature = der(0x03, Buffer.of(0), sign('sha256', info, key));
  return der(0x30, info, Buffer.from('300a06082a8648ce3d040302', 'hex'), signature);
}

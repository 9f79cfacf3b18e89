import { createECDH } from 'node:crypto';

const SIZE = 32;
// What stands before the numbers of a key whose encoding leaves nothing open: RFC 5958 §2 around RFC 5915 §3, and
// RFC 5480 §2.
const PKCS8_BEFORE_NUMBER = Buffer.from(
  '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420',
  'hex',
);
const PKCS8_BEFORE_POINT = Buffer.from('a144034200', 'hex');
const SPKI_BEFORE_POINT = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** A new P-256 key pair in DER: the private half as PKCS#8, the public one as SubjectPublicKeyInfo. */
export function generateP256(): { readonly pkcs8Der: Uint8Array; readonly spkiDer: Uint8Array } {
  // Node's own key generation spends most of its time on encoding.
  const pair = createECDH('prime256v1');
  const point = pair.generateKeys();
  const number = pair.getPrivateKey();
  // Leading zeros are left out there, and belong here.
  const padding = Buffer.alloc(SIZE - number.length);
  return {
    pkcs8Der: Buffer.concat([PKCS8_BEFORE_NUMBER, padding, number, PKCS8_BEFORE_POINT, point]),
    spkiDer: Buffer.concat([SPKI_BEFORE_POINT, point]),
  };
}

import { createPublicKey, type KeyObject } from 'node:crypto';
import type { ClientKeyType } from '../domain/policy.js';
import { DerError, DerReader, TAG } from './der.js';
import { encodePem } from './pem.js';
import { rsaWeakness } from './rsa-strength.js';

const ALGORITHMS: readonly (readonly [ClientKeyType, Uint8Array])[] = [
  ['p256', Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex')],
  ['p384', Buffer.from('301006072a8648ce3d020106052b81040022', 'hex')],
  ['rsa', Buffer.from('300d06092a864886f70d0101010500', 'hex')],
  ['ed25519', Buffer.from('300506032b6570', 'hex')],
];
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';

/** A public key of a kind that is accepted. */
export interface PublicKey {
  readonly keyType: ClientKeyType;
  readonly key: KeyObject;
}

/** A public key that is too weak or of a kind not accepted, with the reason. */
export interface WeakPublicKey {
  readonly weak: string;
}

// OpenSSL 3.0 reads PEM more slowly than it verifies a signature; Node 24 looks at an object with a key in it for long.
const [OPENSSL_MAJOR = 0, OPENSSL_MINOR = 0] = process.versions.openssl.split('.').map(Number);
const READS_PEM_FAST = OPENSSL_MAJOR > 3 || (OPENSSL_MAJOR === 3 && OPENSSL_MINOR >= 5);

/** The key of a point, in the form that this Node takes least time to read; both forms are checked to be on the curve. */
function readEcPoint(
  point: Uint8Array,
  spkiDer: Uint8Array,
  curve: 'P-256' | 'P-384',
  size: number,
): KeyObject {
  if (point.length !== 2 * size + 1 || point[0] !== 4) throw new DerError('a point that is not uncompressed');
  if (READS_PEM_FAST) return createPublicKey(encodePem('PUBLIC KEY', spkiDer));
  const x = Buffer.from(point.subarray(1, size + 1)).toString('base64url');
  const y = Buffer.from(point.subarray(size + 1)).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv: curve, x, y }, format: 'jwk' });
}

function readRsaKey(bits: Uint8Array, spkiDer: Uint8Array): PublicKey | WeakPublicKey {
  const outer = new DerReader(bits);
  const numbers = outer.enter(TAG.sequence);
  outer.finish();
  const weak = rsaWeakness(numbers.readUnsigned(), numbers.readUnsigned());
  numbers.finish();
  return weak === undefined ? { keyType: 'rsa', key: fromSpki(spkiDer) } : { weak };
}

function fromSpki(spkiDer: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spkiDer), format: 'der', type: 'spki' });
}

function weakKind(algorithmDer: Uint8Array): WeakPublicKey {
  const algorithm = new DerReader(algorithmDer).enter(TAG.sequence);
  if (algorithm.readOid() !== EC_PUBLIC_KEY) return { weak: 'a key of a kind that is not accepted' };
  return algorithm.nextTag === TAG.sequence
    ? { weak: 'an EC key with explicit curve parameters' }
    : { weak: 'an EC key on another curve than P-256 and P-384' };
}

/**
 * The key in a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), whose algorithm must be spelled in the one way that DER allows.
 * EC points must be uncompressed and on their curve. Throws DerError for wrong encodings, Error for wrong points.
 */
export function readPublicKey(spkiDer: Uint8Array): PublicKey | WeakPublicKey {
  const outer = new DerReader(spkiDer);
  const spki = outer.enter(TAG.sequence);
  outer.finish();
  const algorithmDer = spki.read(TAG.sequence).whole;
  const bits = spki.readBits();
  spki.finish();
  switch (ALGORITHMS.find(([, der]) => Buffer.compare(der, algorithmDer) === 0)?.[0]) {
    case 'p256':
      return { keyType: 'p256', key: readEcPoint(bits, spkiDer, 'P-256', 32) };
    case 'p384':
      return { keyType: 'p384', key: readEcPoint(bits, spkiDer, 'P-384', 48) };
    case 'ed25519':
      if (bits.length !== 32) throw new DerError('an Ed25519 key that is not 32 bytes');
      return { keyType: 'ed25519', key: fromSpki(spkiDer) };
    case 'rsa':
      return readRsaKey(bits, spkiDer);
    default:
      return weakKind(algorithmDer);
  }
}

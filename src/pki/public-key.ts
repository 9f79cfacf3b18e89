import { createPublicKey, type KeyObject } from 'node:crypto';
import type { ClientKeyType } from '../domain/policy.js';
import { CURVE, KEY_ALGORITHM } from './certificate-key.js';
import { DerError, DerReader, TAG } from './der.js';
import { constructed, oid } from './der-encoding.js';
import { encodePem } from './pem.js';
import { rsaWeakness } from './rsa-strength.js';

const NULL = Uint8Array.of(0x05, 0x00);
const ALGORITHMS: readonly (readonly [ClientKeyType, Uint8Array])[] = [
  ['p256', algorithmOf(KEY_ALGORITHM.ec, oid(CURVE.p256))],
  ['p384', algorithmOf(KEY_ALGORITHM.ec, oid(CURVE.p384))],
  ['rsa', algorithmOf(KEY_ALGORITHM.rsa, NULL)],
  ['ed25519', algorithmOf(KEY_ALGORITHM.ed25519)],
];

function algorithmOf(kind: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return constructed(TAG.sequence, [oid(kind), ...parameters]);
}

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

/** The x coordinates of the generators (SEC 2 §2): a point with this coordinate has the private key 1 or -1. */
const GENERATOR_X = {
  p256: Buffer.from('6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296', 'hex'),
  p384: Buffer.from(
    'aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7',
    'hex',
  ),
} as const;

/** The encodings of points whose order divides 8, without the sign bit: signatures with such keys prove nothing. */
const SMALL_ORDER = new Set([
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

function isOfSmallOrder(point: Uint8Array): boolean {
  const unsigned = Buffer.from(point);
  unsigned.writeUInt8(unsigned.readUInt8(31) & 0x7f, 31);
  return SMALL_ORDER.has(unsigned.toString('hex'));
}

function readEcKey(
  keyType: 'p256' | 'p384',
  bits: Uint8Array,
  spkiDer: Uint8Array,
): PublicKey | WeakPublicKey {
  const x = GENERATOR_X[keyType];
  if (Buffer.compare(bits.subarray(1, x.length + 1), x) === 0) {
    return { weak: 'an EC key whose private key is 1 or -1' };
  }
  const key = readEcPoint(bits, spkiDer, keyType === 'p256' ? 'P-256' : 'P-384', x.length);
  return { keyType, key };
}

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
  if (algorithm.readOid() !== KEY_ALGORITHM.ec) return { weak: 'a key of a kind that is not accepted' };
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
      return readEcKey('p256', bits, spkiDer);
    case 'p384':
      return readEcKey('p384', bits, spkiDer);
    case 'ed25519':
      if (bits.length !== 32) throw new DerError('an Ed25519 key that is not 32 bytes');
      if (isOfSmallOrder(bits)) return { weak: 'an Ed25519 key of small order' };
      return { keyType: 'ed25519', key: fromSpki(spkiDer) };
    case 'rsa':
      return readRsaKey(bits, spkiDer);
    default:
      return weakKind(algorithmDer);
  }
}

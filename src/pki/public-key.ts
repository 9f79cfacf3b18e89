import { createPublicKey, type KeyObject } from 'node:crypto';
import type { ClientKeyType } from '../domain/policy.js';
import { DerError, DerReader, TAG } from './der.js';
import { encodeConstructed, oid } from './der-encoding.js';

/** Object identifiers of the algorithms of public keys (RFC 3279 §2.3, RFC 8410 §3). */
const KEY_ALGORITHM = {
  ec: '1.2.840.10045.2.1',
  rsa: '1.2.840.113549.1.1.1',
  ed25519: '1.3.101.112',
} as const;

/** Object identifiers of the curves of EC keys (RFC 5480 §2.1.1.1). */
const CURVE = { p256: '1.2.840.10045.3.1.7', p384: '1.3.132.0.34', p521: '1.3.132.0.35' } as const;

/** The largest public exponent of an accepted RSA key. */
const MAX_RSA_EXPONENT = 2 ** 32;

const CURVES = new Set<string>(Object.values(CURVE));

/** Why a key of another kind is not accepted, as a noun phrase. */
export const KIND_NOT_ACCEPTED = 'a key that is not RSA, P-256, P-384, P-521 or Ed25519';

/** Returns whether the algorithm of a SubjectPublicKeyInfo is rsaEncryption. Throws DerError. */
export function isRsaKey(spkiDer: Uint8Array): boolean {
  return new DerReader(spkiDer).enter(TAG.sequence).enter(TAG.sequence).readOid() === KEY_ALGORITHM.rsa;
}

/** Returns the number of bits of an RSA modulus (big-endian, no sign byte). */
function rsaBits(modulus: Uint8Array): number {
  return modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
}

/** Returns why an RSA key with this number of bits is not accepted; undefined if it is. */
function rsaSizeProblem(bits: number): string | undefined {
  return bits < 2048 || bits > 4096 ? `an RSA key of ${bits} bits; 2048 to 4096 are accepted` : undefined;
}

/** Returns whether the next element is the object identifier of P-256, P-384 or P-521. Throws DerError. */
export function readsAcceptedCurve(reader: DerReader): boolean {
  return reader.nextTag === TAG.oid && CURVES.has(reader.readOid());
}

/** Reads the content of an AlgorithmIdentifier, and returns the kind of its keys; undefined if it is not accepted. Throws DerError. */
export function readAcceptedKind(algorithm: DerReader): keyof typeof KEY_ALGORITHM | undefined {
  const kind = algorithm.readOid();
  if (kind === KEY_ALGORITHM.rsa) return 'rsa';
  if (kind === KEY_ALGORITHM.ed25519) return 'ed25519';
  return kind === KEY_ALGORITHM.ec && readsAcceptedCurve(algorithm) ? 'ec' : undefined;
}

/** Returns why OpenSSL must not use an RSA key with these numbers, as a noun phrase; undefined if it may. */
export function rsaProblem(modulus: Uint8Array, exponentBytes: Uint8Array): string | undefined {
  const sizeProblem = rsaSizeProblem(rsaBits(modulus));
  if (sizeProblem !== undefined) return sizeProblem;
  const exponent = exponentBytes.reduce((value, byte) => value * 256 + byte, 0);
  return exponent > MAX_RSA_EXPONENT ? 'an RSA key with an exponent above 2^32' : undefined;
}

/**
 * Returns why the key of a certificate (DER of its SubjectPublicKeyInfo) is not accepted for verifying signatures, as a noun
 * phrase; undefined if it is accepted. Verification with other keys may take seconds, so this check runs before OpenSSL
 * uses the key. Throws DerError.
 */
export function certificateKeyProblem(spkiDer: Uint8Array): string | undefined {
  const spki = new DerReader(spkiDer).enter(TAG.sequence);
  const kind = readAcceptedKind(spki.enter(TAG.sequence));
  if (kind === undefined) return KIND_NOT_ACCEPTED;
  if (kind !== 'rsa') return undefined;
  const numbers = new DerReader(spki.readBits()).enter(TAG.sequence);
  return rsaProblem(numbers.readUnsigned(), numbers.readUnsigned());
}

const NULL = Uint8Array.of(0x05, 0x00);
const ALGORITHMS: readonly (readonly [ClientKeyType, Uint8Array])[] = [
  ['p256', algorithmOf(KEY_ALGORITHM.ec, oid(CURVE.p256))],
  ['p384', algorithmOf(KEY_ALGORITHM.ec, oid(CURVE.p384))],
  ['rsa', algorithmOf(KEY_ALGORITHM.rsa, NULL)],
  ['ed25519', algorithmOf(KEY_ALGORITHM.ed25519)],
];

function algorithmOf(kind: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return encodeConstructed(TAG.sequence, [oid(kind), ...parameters]);
}

/** A public key of a kind that is accepted. */
export interface PublicKey {
  readonly keyType: ClientKeyType;
  readonly key: KeyObject;
}

/** Why a public key is not accepted: its kind or its weakness, as a noun phrase. */
export interface WeakPublicKey {
  readonly weak: string;
}

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
  if (bits.length !== 2 * x.length + 1 || bits[0] !== 4)
    throw new DerError('a point that is not uncompressed');
  return { keyType, key: fromSpki(spkiDer) };
}

function readRsaKey(bits: Uint8Array, spkiDer: Uint8Array): PublicKey | WeakPublicKey {
  const outer = new DerReader(bits);
  const numbers = outer.enter(TAG.sequence);
  outer.finish();
  const weak = rsaWeakness(numbers.readUnsigned(), numbers.readUnsigned());
  numbers.finish();
  return weak === undefined ? { keyType: 'rsa', key: fromSpki(spkiDer) } : { weak };
}

/** Creates a key. Node checks that an EC point is on its curve. */
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
 * Reads the key in a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), whose algorithm must be encoded exactly as in {@link ALGORITHMS}.
 * EC points must be uncompressed and on their curve. Throws DerError for wrong encodings, Error for wrong points.
 */
export function readPublicKey(spkiDer: Uint8Array): PublicKey | WeakPublicKey {
  const outer = new DerReader(spkiDer);
  const spki = outer.enter(TAG.sequence);
  outer.finish();
  const algorithmDer = spki.read(TAG.sequence).der;
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

const SMALL_PRIMES = primesBelow(2000);
/** Number of steps of Fermat's factorization: enough for primes that differ only in their lower half. */
const FERMAT_STEPS = 64;
const SQUARES_MODULO_16: readonly bigint[] = [0n, 1n, 4n, 9n];
/** The primes up to this one divide the constant M that ROCA keys of 1984 bits and more are generated with. */
const LAST_ROCA_PRIME = 701n;
const ROCA_GENERATOR = 65537n;
const ROCA_RESIDUES = SMALL_PRIMES.filter((prime) => prime <= LAST_ROCA_PRIME).map(
  (prime) => [prime, powersOf(ROCA_GENERATOR, prime)] as const,
);

function primesBelow(limit: number): readonly bigint[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < limit; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes.map(BigInt);
}

function powersOf(base: bigint, modulus: bigint): ReadonlySet<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * base) % modulus) powers.add(power);
  return powers;
}

function integerOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

/** The largest integer whose square is at most `value`. */
function squareRoot(value: bigint): bigint {
  // Not below the result: each hex digit has four bits, half of them for the root.
  let root = 1n << BigInt(value.toString(16).length * 2);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

function hasClosePrimes(modulus: bigint): boolean {
  let middle = squareRoot(modulus);
  if (middle * middle < modulus) middle++;
  for (let step = 0; step < FERMAT_STEPS; step++, middle++) {
    const rest = middle * middle - modulus;
    // Most candidates end here without a root.
    if (!SQUARES_MODULO_16.includes(rest & 15n)) continue;
    const root = rest === 0n ? 0n : squareRoot(rest);
    if (root * root === rest) return true;
  }
  return false;
}

/**
 * True if the modulus is a power of 65537 modulo every prime factor of the constant M. That is so if both of its primes have
 * the form k · M + (65537^a mod M), and then it can be factored.
 */
function hasRocaForm(modulus: bigint): boolean {
  return ROCA_RESIDUES.every(([prime, residues]) => residues.has(modulus % prime));
}

/**
 * Returns why an RSA public key (big-endian modulus and exponent, no sign byte) is weak. Undefined for a modulus of 2048 to 4096
 * bits without small factors, ROCA form and close primes, and an odd exponent of 65537 to 2^32.
 */
function rsaWeakness(modulusBytes: Uint8Array, exponentBytes: Uint8Array): string | undefined {
  const bits = rsaBits(modulusBytes);
  const sizeProblem = rsaSizeProblem(bits);
  if (sizeProblem !== undefined) return sizeProblem;
  if (exponentBytes.length > 5) return 'an RSA exponent above 2^32';
  const exponent = integerOf(exponentBytes);
  if (exponent < 65537n || exponent > MAX_RSA_EXPONENT) return 'an RSA exponent outside 65537 to 2^32';
  if (exponent % 2n === 0n) return 'an RSA exponent that is even';
  const modulus = integerOf(modulusBytes);
  if (SMALL_PRIMES.some((prime) => modulus % prime === 0n)) return 'an RSA modulus with a small factor';
  if (hasRocaForm(modulus)) return 'an RSA modulus of the ROCA form';
  return hasClosePrimes(modulus) ? 'an RSA modulus whose primes are too close together' : undefined;
}

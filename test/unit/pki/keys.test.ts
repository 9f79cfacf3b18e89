import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { generateKey, privateKeyPem, readPrivateKey, spkiOf } from '../../../src/pki/keys.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { releaseAfterFile } from '../../support/release.js';
import { der } from './der-by-hand.js';
import { OpenSsl } from './openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

test.each([
  ['p256', 'P-256'],
  ['rsa2048', '2048 bit'],
] as const)('openssl reads a new key of type %s as PKCS#8 with that type', async (type, shown) => {
  const pem = (await generateKey(type)).keyPem;
  expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  const text = openssl.run(['pkey', '-noout', '-text'], pem).toString();
  expect(text).toContain(shown);
  if (type === 'rsa2048') expect(text).toContain('65537');
});

test.each(['p256', 'rsa2048'] as const)('a key of type %s is read from every form', async (type) => {
  const key = await generatePrivateKey(type);
  const pkcs8 = privateKeyPem(key);
  const traditional = openssl.run(['pkey', '-traditional'], pkcs8).toString();
  expect(traditional).toContain(type === 'p256' ? 'BEGIN EC PRIVATE KEY' : 'BEGIN RSA PRIVATE KEY');
  for (const pem of [pkcs8, traditional, `a comment\n${pkcs8}`]) {
    expect(createPublicKey(readPrivateKey(pem)).equals(createPublicKey(key))).toBe(true);
  }
});

test.each<[string, () => KeyObject]>([
  ['RSA of 4096 bits', () => generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey],
  ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey],
  ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'secp521r1' }).privateKey],
  ['Ed25519', () => generateKeyPairSync('ed25519').privateKey],
])('a key of %s is read', (_kind, generate) => {
  const key = generate();
  expect(readPrivateKey(privateKeyPem(key)).equals(key)).toBe(true);
});

/** PEM of a private key. Lines of any length are accepted. */
function pemOf(label: string, content: Uint8Array): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(content).toString('base64')}\n-----END ${label}-----\n`;
}

const ZERO = der(0x02, Buffer.of(0));

/** PKCS#8 of a private key with this algorithm. */
function pkcs8(algorithm: readonly Uint8Array[], key: Uint8Array): string {
  return pemOf('PRIVATE KEY', der(0x30, ZERO, der(0x30, ...algorithm), der(0x04, key)));
}

/** An INTEGER of this many bytes, all of them `byte`. */
function integer(bytes: number, byte = 0x7f): Buffer {
  return der(0x02, Buffer.alloc(bytes, byte));
}

const OID = {
  dsa: Buffer.from('06072a8648ce380401', 'hex'),
  rsa: Buffer.from('06092a864886f70d010101', 'hex'),
  ec: Buffer.from('06072a8648ce3d0201', 'hex'),
  p256: Buffer.from('06082a8648ce3d030107', 'hex'),
  secp256k1: Buffer.from('06052b8104000a', 'hex'),
};
const NULL = Buffer.from('0500', 'hex');
const MODULUS = 257;
const HALF = 129;
const EXPONENT = der(0x02, Buffer.of(1, 0, 1));

/** A PKCS#1 key whose five last numbers have `bytes` bytes, with further elements at its end. */
function rsaKey(bytes: number, { exponent = EXPONENT, d = MODULUS, end = [] as Uint8Array[] } = {}): Buffer {
  const others = Array.from({ length: 5 }, () => integer(bytes));
  return der(0x30, ZERO, integer(MODULUS), exponent, integer(d), ...others, ...end);
}

/** A SEC1 key with this content of its parameters. */
function ecKey(parameters: Uint8Array): Buffer {
  return der(0x30, der(0x02, Buffer.of(1)), der(0x04, Buffer.alloc(32, 7)), der(0xa0, parameters));
}

/** Explicit parameters of a curve over a prime field (SEC 1 C.2), whose prime has `bytes` bytes. */
function curve(bytes: number): Buffer {
  const field = der(0x30, Buffer.from('06072a8648ce3d0101', 'hex'), integer(bytes));
  const octets = der(0x04, Buffer.alloc(bytes, 1));
  const generator = der(0x04, Buffer.alloc(2 * bytes + 1, 4));
  return der(0x30, der(0x02, Buffer.of(1)), field, der(0x30, octets, octets), generator, integer(bytes));
}

const dsa = (bytes: number) => der(0x30, integer(bytes), integer(32), integer(bytes, 0x40));
const OTHER_KIND = 'the private key is a key that is not RSA, P-256, P-384, P-521 or Ed25519';
const LONG = 'the private key is an RSA key with a number above its modulus';

// If OpenSSL read these keys first, some would be accepted, and the others reported as keys that cannot be read.
describe('a private key that is slow to use is refused before OpenSSL reads it', () => {
  test.each([
    ['DSA', pkcs8([OID.dsa, dsa(1_000)], integer(1_000))],
    ['DSA that OpenSSL cannot read', pkcs8([OID.dsa, NULL], NULL)],
    ['EC with long explicit parameters', pkcs8([OID.ec, curve(1_000)], NULL)],
    ['P-256 whose key overrides the curve', pkcs8([OID.ec, OID.p256], ecKey(curve(1_000)))],
    ['SEC1 with long explicit parameters', pemOf('EC PRIVATE KEY', ecKey(curve(1_000)))],
    ['SEC1 of secp256k1', pemOf('EC PRIVATE KEY', ecKey(OID.secp256k1))],
    ['Ed448', privateKeyPem(generateKeyPairSync('ed448').privateKey)],
    ['RSA-PSS', privateKeyPem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey)],
  ])('of another kind: %s', (_what, pem) => {
    expect(() => readPrivateKey(pem)).toThrow(OTHER_KIND);
  });

  test.each([
    ['primes', rsaKey(MODULUS + 1), LONG],
    ['a private exponent', rsaKey(HALF, { d: 3_000 }), LONG],
    ['a public exponent', rsaKey(HALF, { exponent: integer(5) }), 'with an exponent above 2^32'],
    ['a third prime', rsaKey(HALF, { end: [integer(3_000)] }), 'the private key cannot be read'],
    [
      'a modulus',
      der(0x30, ZERO, integer(3_072), EXPONENT),
      'the private key is an RSA key of 24575 bits; 2048 to 4096 are accepted',
    ],
  ])('of RSA with too long numbers: %s', (_what, key, message) => {
    expect(() => readPrivateKey(pemOf('RSA PRIVATE KEY', key))).toThrow(message);
    expect(() => readPrivateKey(pkcs8([OID.rsa, NULL], key))).toThrow(message);
  });

  test('only beyond the limits: an RSA key whose numbers are as long as its modulus is read', () => {
    expect(readPrivateKey(pemOf('RSA PRIVATE KEY', rsaKey(MODULUS))).asymmetricKeyType).toBe('rsa');
  });
});

test.each(['Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA', null])(
  'an encrypted key is refused with a hint',
  (body) => {
    const pem =
      body === null
        ? openssl.run(['genpkey', '-algorithm', 'ED25519', '-aes128', '-pass', 'pass:a word']).toString()
        : `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----`;
    expect(() => readPrivateKey(pem)).toThrow('the private key is encrypted; decrypt it first');
  },
);

test('a key without its last line is refused as truncated', async () => {
  const pem = (await generateKey('p256')).keyPem;
  expect(() => readPrivateKey(pem.slice(0, -10))).toThrow('the private key is cut off');
});

test('a text far larger than a key is refused before it is searched', () => {
  expect(() => readPrivateKey('-----BEGIN PRIVATE KEY-----\n'.repeat(3_000))).toThrow('larger than 64 KiB');
});

describe('a new key', () => {
  test.each(['p256', 'rsa2048'] as const)('of type %s is returned with both halves', async (type) => {
    const { keyPem, spkiDer } = await generateKey(type);
    expect(spkiOf(readPrivateKey(keyPem))).toEqual(spkiDer);
  });

  test('of type p256 is encoded as by openssl, also with leading zeros', async () => {
    let short = 0;
    // One key in 256 begins with a zero byte.
    for (let count = 0; count < 20_000 && short < 2; count++) {
      const { keyPem, spkiDer } = await generateKey('p256');
      const key = readPrivateKey(keyPem);
      if (Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')[0] !== 0) continue;
      short++;
      expect(openssl.run(['pkey'], keyPem).toString()).toBe(keyPem);
      expect(spkiOf(key)).toEqual(spkiDer);
    }
    expect(short).toBe(2);
  });
});

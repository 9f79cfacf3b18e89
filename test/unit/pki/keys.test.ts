import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  generatePrivateKey,
  KeyGenerator,
  privateKeyPem,
  readPrivateKey,
  spkiOf,
} from '../../../src/pki/keys.js';
import { releaseAfterFile } from '../../support/release.js';
import { OpenSsl } from './openssl.js';

const openssl = releaseAfterFile(new OpenSsl());

test.each([
  ['p256', 'P-256'],
  ['rsa2048', '2048 bit'],
] as const)('openssl reads a new key of type %s as PKCS#8 with that type', async (type, shown) => {
  const pem = privateKeyPem(await generatePrivateKey(type));
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

test('a key without its last line is refused as truncated', async () => {
  const pem = privateKeyPem(await generatePrivateKey('p256'));
  expect(() => readPrivateKey(pem.slice(0, -10))).toThrow('the private key is cut off');
});

test('a text far larger than a key is refused before it is searched', () => {
  expect(() => readPrivateKey('-----BEGIN PRIVATE KEY-----\n'.repeat(3_000))).toThrow('larger than 64 KiB');
});

describe('the key generator', () => {
  test.each(['p256', 'rsa2048'] as const)('returns both halves of a key of type %s', async (type) => {
    const { keyPem = '', spkiDer } = (await new KeyGenerator({ maxQueued: 0 }).generate(type)) ?? {};
    expect(spkiOf(readPrivateKey(keyPem))).toEqual(spkiDer);
  });

  test('encodes each P-256 key as openssl does, including keys with leading zeros', async () => {
    const maker = new KeyGenerator({ maxQueued: 0 });
    let short = 0;
    // One key in 256 begins with a zero byte.
    for (let count = 0; count < 20_000 && short < 2; count++) {
      const { keyPem = '', spkiDer } = (await maker.generate('p256')) ?? {};
      const key = readPrivateKey(keyPem);
      if (Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')[0] !== 0) continue;
      short++;
      expect(openssl.run(['pkey'], keyPem).toString()).toBe(keyPem);
      expect(spkiOf(keyPem)).toEqual(spkiDer);
    }
    expect(short).toBe(2);
  });

  test('generates P-256 keys whatever the queue contains', async () => {
    const maker = new KeyGenerator({ maxQueued: 0 });
    const busy = [maker.generate('rsa2048'), maker.generate('rsa2048')];
    const { keyPem = '' } = (await maker.generate('p256')) ?? {};
    expect(readPrivateKey(keyPem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    await Promise.all(busy);
  });

  test('generates two RSA keys at once, queues up to its limit, and refuses the rest', async () => {
    const maker = new KeyGenerator({ maxQueued: 3 });
    const keys = await Promise.all(Array.from({ length: 8 }, () => maker.generate('rsa2048')));
    const privateKeys = keys.map((key) => key && readPrivateKey(key.keyPem));
    expect(privateKeys.map((key) => key?.asymmetricKeyType)).toEqual([
      ...Array(5).fill('rsa'),
      ...Array(3).fill(undefined),
    ]);
    const moduli = new Set(privateKeys.slice(0, 5).map((key) => key?.export({ format: 'jwk' }).n));
    expect(moduli.size).toBe(5);
  });

  test('accepts new requests when the queue is empty again', async () => {
    const maker = new KeyGenerator({ maxQueued: 1 });
    for (let round = 0; round < 2; round++) {
      const keys = await Promise.all(Array.from({ length: 4 }, () => maker.generate('rsa2048')));
      expect(keys.filter((key) => key !== undefined)).toHaveLength(3);
    }
  });
});

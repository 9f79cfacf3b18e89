import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { generateKey, privateKeyPem, readPrivateKey, spkiOf } from '../../../src/pki/keys.js';
import { generatePrivateKey } from '../../support/private-key.js';
import { releaseAfterFile } from '../../support/release.js';
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
      expect(spkiOf(keyPem)).toEqual(spkiDer);
    }
    expect(short).toBe(2);
  });
});

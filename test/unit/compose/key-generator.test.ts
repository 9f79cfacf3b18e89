import { describe, expect, test } from 'vitest';
import { KeyGenerator } from '../../../src/compose/listener/key-generator.js';
import { readPrivateKey } from '../../../src/pki/keys.js';

describe('the key generator', () => {
  test('generates any number of P-256 keys at once, because they need no queue', async () => {
    const maker = new KeyGenerator('p256', 0);
    const keys = await Promise.all(Array.from({ length: 8 }, () => maker.generate()));
    const curves = keys.map((key) => readPrivateKey(key?.keyPem ?? '').asymmetricKeyDetails?.namedCurve);
    expect(curves).toEqual(Array(8).fill('prime256v1'));
  });

  test('generates two RSA keys at once, queues up to its limit, and refuses the rest', async () => {
    const maker = new KeyGenerator('rsa2048', 3);
    const keys = await Promise.all(Array.from({ length: 8 }, () => maker.generate()));
    const privateKeys = keys.map((key) => key && readPrivateKey(key.keyPem));
    expect(privateKeys.map((key) => key?.asymmetricKeyType)).toEqual([
      ...Array(5).fill('rsa'),
      ...Array(3).fill(undefined),
    ]);
    const moduli = new Set(privateKeys.slice(0, 5).map((key) => key?.export({ format: 'jwk' }).n));
    expect(moduli.size).toBe(5);
  });

  test('accepts new requests when the queue is empty again', async () => {
    const maker = new KeyGenerator('rsa2048', 1);
    for (let round = 0; round < 2; round++) {
      const keys = await Promise.all(Array.from({ length: 4 }, () => maker.generate()));
      expect(keys.filter((key) => key !== undefined)).toHaveLength(3);
    }
  });
});

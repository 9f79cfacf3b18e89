import { describe, expect, test } from 'vitest';
import { KeyGenerator } from '../../../src/compose/key-generator.js';
import { readPrivateKey } from '../../../src/pki/keys.js';

describe('the key generator', () => {
  test('generates P-256 keys while the queue is full', async () => {
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

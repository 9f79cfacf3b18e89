import { expect, it } from 'vitest';
import { mintCode } from '../../src/codes/opaque-code.js';
import { refuseSecrets } from '../support/no-secret.js';

it('what scans the logs of the tests finds a code of ours and a private key, and nothing in what logs hold', () => {
  // One code in 10⁵ has letters of one case only.
  const code = Array.from({ length: 3 }, mintCode).join(' ');
  expect(() => refuseSecrets(`{"msg":"${code}"}`)).toThrow('a code was told');
  expect(() => refuseSecrets('-----BEGIN PRIVATE KEY-----')).toThrow('a private key was told');
  const usual = '{"grant":"e0507e29-29c2-479f-95d9-145e5deb2db2","peer":"127.0.0.1","msg":"link redeemed"}';
  expect(refuseSecrets(usual)).toBe(usual);
});

import { expect, test } from 'vitest';
import { deriveKey, open, seal } from '../../../src/codes/sealing.js';

const SECRET = Buffer.from('abcdefghijklmnopqrstuvwx');
const SALT = '5f0c6f0a-6a49-4a5e-9a0f-0d3b54b3f1c2';
const ID = 'b2f7a4de-4c8e-4bb0-8a53-f7a9c1f0a111';
const KEY = deriveKey(SECRET, SALT, 'tests');
const plaintext = Buffer.from('a private key, say');

test('a sealed text opens with a key of the same secret, salt and purpose, and the same associated text', () => {
  const opened = open(deriveKey(SECRET, SALT, 'tests'), ID, seal(KEY, ID, plaintext));
  expect(Buffer.from(opened ?? [])).toEqual(plaintext);
});

test('an empty text can be sealed too', () => {
  expect(open(KEY, ID, seal(KEY, ID, new Uint8Array(0)))?.length).toBe(0);
});

test('sealing the same text twice returns different bytes, which do not contain the plaintext', () => {
  const first = Buffer.from(seal(KEY, ID, plaintext));
  const second = Buffer.from(seal(KEY, ID, plaintext));
  expect(first.equals(second)).toBe(false);
  expect(first.includes(plaintext)).toBe(false);
});

test.each([
  ['secret', deriveKey(Buffer.from('abcdefghijklmnopqrstuvwy'), SALT, 'tests'), ID],
  ['salt', deriveKey(SECRET, '5f0c6f0a-6a49-4a5e-9a0f-0d3b54b3f1c3', 'tests'), ID],
  ['purpose', deriveKey(SECRET, SALT, 'other tests'), ID],
  ['associated text', KEY, 'b2f7a4de-4c8e-4bb0-8a53-f7a9c1f0a112'],
])('a sealed text does not open with another %s', (_what, key, id) => {
  expect(open(key, id, seal(KEY, ID, plaintext))).toBeUndefined();
});

test('a flipped bit in any byte, or a cut at any length, prevents opening a sealed text', () => {
  const sealed = seal(KEY, ID, plaintext);
  for (let at = 0; at < sealed.length; at++) {
    const flipped = Uint8Array.from(sealed);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(open(KEY, ID, flipped)).toBeUndefined();
    expect(open(KEY, ID, sealed.subarray(0, at))).toBeUndefined();
  }
});

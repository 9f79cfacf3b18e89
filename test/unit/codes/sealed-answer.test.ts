import { expect, test } from 'vitest';
import { openAnswer, sealAnswer } from '../../../src/codes/sealed-answer.js';

const bound = {
  code: Buffer.from('abcdefghijklmnopqrstuvwx'),
  grantUid: '5f0c6f0a-6a49-4a5e-9a0f-0d3b54b3f1c2',
  redemptionId: 'b2f7a4de-4c8e-4bb0-8a53-f7a9c1f0a111',
};
const plaintext = Buffer.from('a private key, say');

test('a sealed answer opens with the same code, grant and redemption', () => {
  const sealed = sealAnswer({ ...bound, plaintext });
  expect(Buffer.from(openAnswer({ ...bound, sealed }) ?? [])).toEqual(plaintext);
});

test('an empty answer can be sealed too', () => {
  const sealed = sealAnswer({ ...bound, plaintext: new Uint8Array(0) });
  expect(openAnswer({ ...bound, sealed })?.length).toBe(0);
});

test('sealing twice gives different bytes, which do not contain the plaintext', () => {
  const first = Buffer.from(sealAnswer({ ...bound, plaintext }));
  const second = Buffer.from(sealAnswer({ ...bound, plaintext }));
  expect(first.equals(second)).toBe(false);
  expect(first.includes(plaintext)).toBe(false);
});

test.each([
  ['code', { code: Buffer.from('abcdefghijklmnopqrstuvwy') }],
  ['grant', { grantUid: '5f0c6f0a-6a49-4a5e-9a0f-0d3b54b3f1c3' }],
  ['redemption', { redemptionId: 'b2f7a4de-4c8e-4bb0-8a53-f7a9c1f0a112' }],
])('a sealed answer does not open with another %s', (_what, changed) => {
  const sealed = sealAnswer({ ...bound, plaintext });
  expect(openAnswer({ ...bound, ...changed, sealed })).toBeUndefined();
});

test('a flipped bit in any byte, or a cut at any length, prevents opening a sealed answer', () => {
  const sealed = sealAnswer({ ...bound, plaintext });
  for (let at = 0; at < sealed.length; at++) {
    const flipped = Uint8Array.from(sealed);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    expect(openAnswer({ ...bound, sealed: flipped })).toBeUndefined();
    expect(openAnswer({ ...bound, sealed: sealed.subarray(0, at) })).toBeUndefined();
  }
});

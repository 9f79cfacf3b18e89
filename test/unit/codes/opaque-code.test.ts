import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { codeMatches, hashCode, mintCode } from '../../../src/codes/opaque-code.js';
import { userSuppliedCodeProblem } from '../../../src/codes/user-supplied-code.js';

const UID = '5f0c6f0a-6a49-4a5e-9a0f-0d3b54b3f1c2';

test('a generated code is 24 letters and digits, and never repeats', () => {
  const codes = Array.from({ length: 2_000 }, mintCode);
  for (const code of codes) expect(code).toMatch(/^[A-Za-z0-9]{24}$/);
  expect(new Set(codes).size).toBe(codes.length);
});

test('every letter and digit occurs about equally often in generated codes', () => {
  const counts = new Map<string, number>();
  for (const character of Array.from({ length: 5_000 }, mintCode).join('')) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect(counts.size).toBe(62);
  // In 120,000 draws each of 62 characters occurs 1,935 times on average, with a standard deviation of 44.
  // Bytes modulo 62 would draw eight of them 2,344 times.
  for (const count of counts.values()) expect(Math.abs(count - 1_935)).toBeLessThan(300);
});

test('the hash of a code is SHA-256 over the uid followed by the code', () => {
  const code = Buffer.from('abcdefghijklmnopqrstuvwx');
  const expected = createHash('sha256').update(`${UID}abcdefghijklmnopqrstuvwx`).digest('hex');
  expect(Buffer.from(hashCode(UID, code)).toString('hex')).toBe(expected);
});

test('a code matches its own hash under its own grant and nothing else', () => {
  const code = Buffer.from(mintCode());
  const hash = hashCode(UID, code);
  expect(codeMatches(hash, UID, code)).toBe(true);
  expect(codeMatches(hash, UID, code.subarray(1))).toBe(false);
  expect(codeMatches(hash, UID, Buffer.concat([code, Buffer.from('\n')]))).toBe(false);
  expect(codeMatches(hash, `${UID.slice(0, -1)}3`, code)).toBe(false);
  expect(codeMatches(hash.subarray(0, 31), UID, code)).toBe(false);
  expect(codeMatches(new Uint8Array(0), UID, code)).toBe(false);
});

test.each([
  ['too short', 'fifteen-letters', 'at least 16'],
  ['empty', '', 'at least 16'],
  ['white space in the middle', 'sixteen letters!!', 'white space'],
  ['a newline at the end', 'sixteen-letters!\n', 'white space'],
  ['a control character', 'sixteen-letters\u0007!', 'printable'],
  ['not ASCII', 'sechzehn-zeichen-ü', 'ASCII'],
  ['longer than 4,000 bytes', 'x'.repeat(4_001), 'at most 4000'],
])('a user-supplied code is refused: %s', (_case, code, reason) => {
  expect(userSuppliedCodeProblem(code, ['west', 'branch-offices-north'])).toContain(reason);
});

test.each([
  ...['aaaaaaaaaaaaaaaa', 'x'.repeat(4_000), '1234567890123456', 'abcdefghijklmnop', 'qwertyuiopasdfgh'],
  ...['passwordpassword', 'p4ssw0rd'.repeat(9), 'iloveyou12345678'],
  ...['branch-offices-north', 'Branch-Offices-North1', 'linkgrantskupper', 'skupper-accessgrant'],
])('a user-supplied code that is easy to guess is refused with a command that generates one: %s', (code) => {
  expect(userSuppliedCodeProblem(code, ['west', 'branch-offices-north'])).toMatch(
    /^the code is easy to guess; generate one with `openssl rand -hex 16`/,
  );
});

test.each([
  'correct-horse-battery',
  'Xk3vQ9pLm2Rt8WzY',
  mintCode().repeat(166),
  '9f86d081884c7d659a2feaa0c55ad015',
])('a user-supplied code of 16 to 4,000 printable characters is accepted', (code) => {
  expect(userSuppliedCodeProblem(code, ['west', 'branch-offices-north'])).toBeUndefined();
});

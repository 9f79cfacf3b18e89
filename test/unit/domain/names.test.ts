import { describe, expect, it } from 'vitest';
import { isNamespace, isResourceName, isSubject, isUuid } from '../../../src/domain/names.js';

const LONGEST = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

describe('a resource name', () => {
  it.each(['a', '0', 'my-link', 'a.b', '1e3', 'null', 'a--b', 'x'.repeat(253), LONGEST])(
    'can be %s',
    (name) => {
      expect(isResourceName(name)).toBe(true);
    },
  );

  it.each([
    ...['', 'x'.repeat(254), '-a', 'a-', '.a', 'a.', 'a..b', 'a.-b', 'a-.b'],
    ...['A', 'a_b', 'a b', 'a/b', '../a', 'a\n', 'a\0', 'é', 'ａ'],
  ])('cannot be %j', (name) => {
    expect(isResourceName(name)).toBe(false);
  });

  it('is validated in linear time', () => {
    expect(isResourceName(`${'a-'.repeat(126)}!`)).toBe(false);
    expect(isResourceName(`${'a.'.repeat(1_000_000)}!`)).toBe(false);
  });
});

describe('a namespace', () => {
  it.each(['default', 'a', '0', 'a-b', 'x'.repeat(63)])('can be %s', (name) => {
    expect(isNamespace(name)).toBe(true);
  });

  it.each(['', '-', 'a.b', 'A', '-a', 'a-', 'a\n', 'x'.repeat(64)])('cannot be %j', (name) => {
    expect(isNamespace(name)).toBe(false);
  });
});

describe('a UUID', () => {
  it('is its lower-case text form, of any version', () => {
    expect(isUuid('0bde3bc8-a4a2-404a-bfbe-44fdf7bf3231')).toBe(true);
    expect(isUuid('00000000-0000-0000-0000-000000000000')).toBe(true);
  });

  it.each([
    '',
    '0BDE3BC8-A4A2-404A-BFBE-44FDF7BF3231',
    '0bde3bc8a4a2404abfbe44fdf7bf3231',
    '{0bde3bc8-a4a2-404a-bfbe-44fdf7bf3231}',
    '0bde3bc8-a4a2-404a-bfbe-44fdf7bf3231\n',
    '0bde3bc8-a4a2-404a-bfbe-44fdf7bf323',
    'gbde3bc8-a4a2-404a-bfbe-44fdf7bf3231',
  ])('cannot be %j', (text) => {
    expect(isUuid(text)).toBe(false);
  });
});

describe('a subject', () => {
  it.each(['x', ' ', 'Zürich', '東京 7', '🛰', 'a,b=c/../x', 'x'.repeat(253), '🛰'.repeat(253)])(
    'can be %s',
    (subject) => {
      expect(isSubject(subject)).toBe(true);
    },
  );

  it.each([
    ['nothing', ''],
    ['too long', 'x'.repeat(254)],
    ['NUL', 'a\0b'],
    ['a newline', 'a\nb'],
    ['a tab', 'a\tb'],
    ['DEL', 'a\u007fb'],
    ['a C1 control', 'a\u0085b'],
    ['a zero-width space', 'a\u200bb'],
    ['a right-to-left override', 'a\u202eb'],
    ['a byte order mark', '\ufeffa'],
    ['a line separator', 'a\u2028b'],
    ['a paragraph separator', 'a\u2029b'],
    ['a lone surrogate', 'a\ud800b'],
    ['a private character', 'a\ue000b'],
    ['an unassigned character', 'a\u0378b'],
  ])('cannot contain %s', (_what, subject) => {
    expect(isSubject(subject)).toBe(false);
  });
});

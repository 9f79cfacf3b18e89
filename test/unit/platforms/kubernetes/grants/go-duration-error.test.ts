import { describe, expect, it } from 'vitest';
import { goDurationError } from '../../../../../src/platforms/kubernetes/grants/go-duration-error.js';

// The errors of time.ParseDuration in Go 1.26.
const GO_ERRORS: readonly (readonly [string, string])[] = [
  ['3 days', 'time: unknown unit " days" in duration "3 days"'],
  ['', 'time: invalid duration ""'],
  ['x', 'time: invalid duration "x"'],
  ['-', 'time: invalid duration "-"'],
  ['1', 'time: missing unit in duration "1"'],
  ['1h2', 'time: missing unit in duration "1h2"'],
  ['.', 'time: invalid duration "."'],
  ['1..s', 'time: missing unit in duration "1..s"'],
  ['1h-2m', 'time: unknown unit "h-" in duration "1h-2m"'],
  ['1hour', 'time: unknown unit "hour" in duration "1hour"'],
  ['1é', String.raw`time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9"`],
  ['a"b\\c\n', String.raw`time: invalid duration "a\"b\\c\x0a"`],
  ['1y2h', 'time: unknown unit "y" in duration "1y2h"'],
  ['12 ', 'time: unknown unit " " in duration "12 "'],
  ['µs', String.raw`time: invalid duration "\xc2\xb5s"`],
  ['9999999999999h', 'time: invalid duration "9999999999999h"'],
  ['1h.', 'time: invalid duration "1h."'],
];

describe('the message for an invalid duration', () => {
  it.each(GO_ERRORS)('is that of Go: %j', (text, goError) => {
    expect(goDurationError(text)).toBe(goError);
  });

  it('accepts days and weeks as units, and reports a value with a sign as an invalid duration', () => {
    expect(goDurationError('1d2')).toBe('time: missing unit in duration "1d2"');
    expect(goDurationError('1w1x')).toBe('time: unknown unit "x" in duration "1w1x"');
    expect(goDurationError('-1h')).toBe('time: invalid duration "-1h"');
  });
});

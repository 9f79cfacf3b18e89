import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatGoDuration, parseDuration } from '../../../src/domain/duration.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['90s', 90 * SECOND],
    ['15m', 15 * MINUTE],
    ['1h30m', 90 * MINUTE],
    ['1.5h', 90 * MINUTE],
    ['.5m', 30 * SECOND],
    ['1.s', SECOND],
    ['100ms', 100],
    ['1500us', 2],
    ['1500µs', 2],
    ['1500μs', 2],
    ['2000000ns', 2],
    ['7d', 7 * DAY],
    ['2w', 14 * DAY],
    ['1w1d1h1m1s1ms', 8 * DAY + HOUR + MINUTE + SECOND + 1],
    ['1s1s', 2 * SECOND],
  ])('%s is read as in Go, plus days and weeks', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each([
    ...['', '1', '15', 'm', '.s', '1h30', '15M', '15min', '1y', 'PT15M'],
    ...['-15m', '+15m', '15 m', ' 15m', '15m '],
    ...['1e3s', '1,5h', 'Infinity', 'NaN', `${'9'.repeat(30)}w`],
  ])('%j is invalid', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [0, '0s'],
    [15 * MINUTE, '15m'],
    [90 * MINUTE, '1h30m'],
    [30 * DAY, '30d'],
    [1_001, '1s1ms'],
  ])('of %i ms is written %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });

  it('is written without days in the syntax of Go', () => {
    expect(formatGoDuration(30 * DAY + 90 * MINUTE)).toBe('721h30m');
    expect(formatGoDuration(0)).toBe('0s');
  });

  it('is parsed to the same value after it was formatted', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 * 365 * DAY }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});

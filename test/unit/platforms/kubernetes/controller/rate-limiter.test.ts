import { describe, expect, it, vi } from 'vitest';
import { RateLimiter } from '../../../../../src/platforms/kubernetes/controller/rate-limiter.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

fakeTimers('setTimeout', 'clearTimeout');

const INTERVALS = { shortest: 1_000, each: 100, longest: 3_000 };

function limited() {
  const passed: string[] = [];
  return { passed, limiter: new RateLimiter((key) => passed.push(key), INTERVALS) };
}

describe('the rate limiter', () => {
  it('passes on a key at once, and further additions during its interval as one at the end', () => {
    const { passed, limiter } = limited();
    for (const key of ['a', 'a', 'b', 'a']) limiter.add(key);
    expect(passed).toEqual(['a', 'b']);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual(['a', 'b', 'a']);
    // Passing on the further additions begins another interval.
    limiter.add('a');
    expect(passed).toEqual(['a', 'b', 'a']);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual(['a', 'b', 'a', 'a']);
    vi.advanceTimersByTime(9_000);
    limiter.add('a');
    expect(passed).toEqual(['a', 'b', 'a', 'a', 'a']);
  });

  it('lengthens the interval with the number of keys, up to a bound', () => {
    const { passed, limiter } = limited();
    const addAll = () => {
      for (let key = 0; key < 100; key += 1) limiter.add(`${key}`);
    };
    addAll();
    addAll();
    const passedAgain = (ms: number) => {
      passed.length = 0;
      vi.advanceTimersByTime(ms);
      return passed.length;
    };
    // The first eleven have the shortest interval, and one more follows each 100 ms.
    expect(passedAgain(1_000)).toBe(11);
    expect(passedAgain(500)).toBe(5);
    expect(passedAgain(1_500)).toBe(84);
  });

  it('passes on nothing after it was closed', () => {
    const { passed, limiter } = limited();
    limiter.add('a');
    limiter.add('a');
    limiter.close();
    vi.advanceTimersByTime(5_000);
    expect(passed).toEqual(['a']);
  });
});

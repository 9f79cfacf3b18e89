import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Throttle } from '../../../src/platforms/kubernetes/controller/throttle.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const RESTS = { shortest: 1_000, each: 100, longest: 3_000 };

function throttled() {
  const passed: string[] = [];
  return { passed, throttle: new Throttle((key) => passed.push(key), RESTS) };
}

describe('a throttle', () => {
  it('passes on at once what comes after a rest, and the rest as one when that is over', () => {
    const { passed, throttle } = throttled();
    for (const key of ['a', 'a', 'b', 'a']) throttle.add(key);
    expect(passed).toEqual(['a', 'b']);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual(['a', 'b', 'a']);
    // What was passed on begins a rest of its own.
    throttle.add('a');
    expect(passed).toEqual(['a', 'b', 'a']);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual(['a', 'b', 'a', 'a']);
    vi.advanceTimersByTime(9_000);
    throttle.add('a');
    expect(passed).toEqual(['a', 'b', 'a', 'a', 'a']);
  });

  it('lets keys rest longer the more there are, up to a bound', () => {
    const { passed, throttle } = throttled();
    const addAll = () => {
      for (let key = 0; key < 100; key += 1) throttle.add(`${key}`);
    };
    addAll();
    addAll();
    const passedAgain = (ms: number) => {
      passed.length = 0;
      vi.advanceTimersByTime(ms);
      return passed.length;
    };
    // The first eleven rest the shortest time, and one more for each 100 ms after that.
    expect(passedAgain(1_000)).toBe(11);
    expect(passedAgain(500)).toBe(5);
    expect(passedAgain(1_500)).toBe(84);
  });

  it('passes on nothing more once it is closed', () => {
    const { passed, throttle } = throttled();
    throttle.add('a');
    throttle.add('a');
    throttle.close();
    vi.advanceTimersByTime(5_000);
    expect(passed).toEqual(['a']);
  });
});

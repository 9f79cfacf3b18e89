import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Throttle } from '../../../src/platforms/kubernetes/throttle.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function throttled() {
  const passed: string[] = [];
  return { passed, throttle: new Throttle((key) => passed.push(key), 1_000) };
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

  it('passes on nothing more once it is closed', () => {
    const { passed, throttle } = throttled();
    throttle.add('a');
    throttle.add('a');
    throttle.close();
    vi.advanceTimersByTime(5_000);
    expect(passed).toEqual(['a']);
  });
});

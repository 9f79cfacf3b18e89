import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedLimiter } from '../../../src/http/bounded-limiter.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a bounded limiter', () => {
  it('counts each key separately', async () => {
    const limiter = new BoundedLimiter({ points: 2, seconds: 60, mostKeys: 10 });
    for (const expected of [1, 2, 3]) expect(await limiter.count('a')).toBe(expected);
    expect(await limiter.count('b')).toBe(1);
  });

  it('starts again after the interval', async () => {
    const limiter = new BoundedLimiter({ points: 2, seconds: 60, mostKeys: 10 });
    await limiter.count('a');
    vi.advanceTimersByTime(59_000);
    expect(await limiter.count('a')).toBe(2);
    vi.advanceTimersByTime(1_000);
    expect(await limiter.count('a')).toBe(1);
  });

  it('stores a bounded number of keys, and evicts the oldest', async () => {
    const limiter = new BoundedLimiter({ points: 2, seconds: 60, mostKeys: 3 });
    for (let key = 0; key < 1_000; key += 1) await limiter.count(`key ${key}`);
    expect(limiter.size).toBe(3);
    expect(vi.getTimerCount()).toBe(3);
    expect(await limiter.count('key 999')).toBe(2);
    expect(await limiter.count('key 0')).toBe(1);
    expect(await limiter.count('key 997')).toBe(1);
  });
});

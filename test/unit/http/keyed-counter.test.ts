import { describe, expect, it, vi } from 'vitest';
import { KeyedCounter } from '../../../src/http/keyed-counter.js';
import { fakeTimers } from '../../support/fake-timers.js';

fakeTimers();

describe('a keyed counter', () => {
  it('starts again after the interval', async () => {
    const counter = new KeyedCounter({ seconds: 60, maxKeys: 10 });
    await counter.count('a');
    vi.advanceTimersByTime(59_000);
    expect(await counter.count('a')).toBe(2);
    vi.advanceTimersByTime(1_000);
    expect(await counter.count('a')).toBe(1);
  });

  it('stores a bounded number of keys, and evicts the oldest', async () => {
    const counter = new KeyedCounter({ seconds: 60, maxKeys: 3 });
    for (let key = 0; key < 1_000; key += 1) await counter.count(`key ${key}`);
    expect(counter.size).toBe(3);
    expect(vi.getTimerCount()).toBe(3);
    expect(await counter.count('key 999')).toBe(2);
    expect(await counter.count('key 0')).toBe(1);
    expect(await counter.count('key 997')).toBe(1);
  });
});

import { describe, expect, it, vi } from 'vitest';
import { KeyedCounter } from '../../../src/http/keyed-counter.js';
import { fakeTimers } from '../../support/fake-timers.js';

fakeTimers();

describe('a keyed counter', () => {
  it('counts each key separately', () => {
    const counter = new KeyedCounter({ seconds: 60, maxKeys: 10 });
    for (const expected of [1, 2, 3]) expect(counter.count('a')).toBe(expected);
    expect(counter.count('b')).toBe(1);
  });

  it('starts again after the interval', () => {
    const counter = new KeyedCounter({ seconds: 60, maxKeys: 10 });
    counter.count('a');
    vi.advanceTimersByTime(59_000);
    expect(counter.count('a')).toBe(2);
    vi.advanceTimersByTime(1_000);
    expect(counter.count('a')).toBe(1);
  });

  it('stores a bounded number of keys, and evicts the oldest', () => {
    const counter = new KeyedCounter({ seconds: 60, maxKeys: 3 });
    for (let key = 0; key < 1_000; key += 1) counter.count(`key ${key}`);
    expect(counter.count('key 999')).toBe(2);
    expect(counter.count('key 0')).toBe(1);
    expect(counter.count('key 997')).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { TtlCache } from '../../../../../src/platforms/kubernetes/sites/ttl-cache.js';

const NOW = 1_000_000;

describe('the TTL cache', () => {
  it('computes a result again for another text, after ten seconds, or when the clock was set back', () => {
    const cache = new TtlCache<number>();
    let computations = 0;
    const at = (now: number, ...texts: readonly string[]) =>
      cache.getOrCompute('key', texts, now, () => ++computations);
    expect([at(NOW, 'a', 'b'), at(NOW + 9_999, 'a', 'b')]).toEqual([1, 1]);
    expect(at(NOW + 10_000, 'a', 'b')).toBe(2);
    expect(at(NOW + 10_000, 'ab')).toBe(3);
    expect(at(NOW + 10_000, 'ab', '')).toBe(4);
    expect(at(NOW, 'ab', '')).toBe(5);
  });

  it('stores one result for each key, and none of a failure', () => {
    const cache = new TtlCache<number>();
    expect(() =>
      cache.getOrCompute('a', [], NOW, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(cache.getOrCompute('a', [], NOW, () => 1)).toBe(1);
    expect(cache.getOrCompute('b', [], NOW, () => 2)).toBe(2);
    expect(cache.getOrCompute('a', [], NOW, () => 3)).toBe(1);
  });

  it('evicts the oldest of many results', () => {
    const cache = new TtlCache<number>();
    for (let key = 0; key <= 1_000; key += 1) cache.getOrCompute(String(key), [], NOW, () => key);
    expect(cache.getOrCompute('1000', [], NOW, () => -1)).toBe(1_000);
    expect(cache.getOrCompute('0', [], NOW, () => -1)).toBe(-1);
  });

  it('evicts the oldest results if all texts together are too long', () => {
    const cache = new TtlCache<number>();
    const text = 'x'.repeat(1024 * 1024);
    for (let key = 0; key < 17; key += 1) cache.getOrCompute(String(key), [text], NOW, () => key);
    expect(cache.getOrCompute('16', [text], NOW, () => -1)).toBe(16);
    expect(cache.getOrCompute('1', [text], NOW, () => -1)).toBe(1);
    expect(cache.getOrCompute('0', [text], NOW, () => -1)).toBe(-1);
    expect(cache.getOrCompute('0', ['short'], NOW, () => -2)).toBe(-2);
    expect(cache.getOrCompute('2', [text], NOW, () => -1)).toBe(2);
  });
});

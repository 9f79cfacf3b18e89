import { describe, expect, it } from 'vitest';
import { TtlCache } from '../../../../../src/platforms/kubernetes/controller/ttl-cache.js';

const NOW = 1_000_000;

describe('the TTL cache', () => {
  it('computes a result again for another text, after ten seconds, or when the clock was set back', () => {
    const kept = new TtlCache<number>();
    let made = 0;
    const at = (now: number, ...texts: readonly string[]) => kept.of('key', texts, now, () => ++made);
    expect([at(NOW, 'a', 'b'), at(NOW + 9_999, 'a', 'b')]).toEqual([1, 1]);
    expect(at(NOW + 10_000, 'a', 'b')).toBe(2);
    expect(at(NOW + 10_000, 'ab')).toBe(3);
    expect(at(NOW + 10_000, 'ab', '')).toBe(4);
    expect(at(NOW, 'ab', '')).toBe(5);
  });

  it('stores one result for each key, and none of a failure', () => {
    const kept = new TtlCache<number>();
    expect(() =>
      kept.of('a', [], NOW, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(kept.of('a', [], NOW, () => 1)).toBe(1);
    expect(kept.of('b', [], NOW, () => 2)).toBe(2);
    expect(kept.of('a', [], NOW, () => 3)).toBe(1);
  });

  it('evicts the oldest of many results', () => {
    const kept = new TtlCache<number>();
    for (let key = 0; key <= 1_000; key += 1) kept.of(String(key), [], NOW, () => key);
    expect(kept.of('1000', [], NOW, () => -1)).toBe(1_000);
    expect(kept.of('0', [], NOW, () => -1)).toBe(-1);
  });
});

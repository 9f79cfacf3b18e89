import { describe, expect, it } from 'vitest';
import { SharedReads } from '../../../src/platforms/kubernetes/shared-reads.js';

/** Reads that the test ends itself. */
function readsOf() {
  const begun: { key: string; end(value: string): void; fail(error: Error): void }[] = [];
  const reads = new SharedReads<string>((key) => new Promise((end, fail) => begun.push({ key, end, fail })));
  return { reads, begun };
}

describe('shared reads', () => {
  it('give everyone who asks at the same time the same two reads, the later one to those who asked while it ran', async () => {
    const { reads, begun } = readsOf();
    const first = reads.read('a');
    const later = [reads.read('a'), reads.read('a'), reads.read('a')];
    expect(begun).toHaveLength(1);
    begun[0]?.end('before');
    expect(await first).toBe('before');
    expect(begun).toHaveLength(2);
    begun[1]?.end('after');
    expect(await Promise.all(later)).toEqual(['after', 'after', 'after']);
    expect(begun).toHaveLength(2);
  });

  it('read again for who asks when none runs, and for each key by itself', () => {
    const { reads, begun } = readsOf();
    reads.read('a');
    reads.read('b');
    expect(begun.map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it('tell a failure only to those whose read it was', async () => {
    const { reads, begun } = readsOf();
    const first = reads.read('a');
    const later = reads.read('a');
    begun[0]?.fail(new Error('no answer'));
    await expect(first).rejects.toThrow('no answer');
    begun[1]?.end('after');
    expect(await later).toBe('after');
    const next = reads.read('a');
    begun[2]?.end('next');
    expect(await next).toBe('next');
  });
});

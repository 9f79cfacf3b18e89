import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveRead } from '../../../src/platforms/kubernetes/api/live-read.js';

/** Reads that the test ends itself. */
function readsOf(restMs = 0, crowd?: number, leastMs = 0) {
  const begun: { end(value: string): void; fail(error: Error): void }[] = [];
  const live = new LiveRead<string>(() => new Promise((end, fail) => begun.push({ end, fail })), {
    restMs,
    leastMs,
    ...(crowd !== undefined && { crowd }),
  });
  return { live, begun };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  const timers = vi.getTimerCount();
  vi.useRealTimers();
  expect(timers).toBe(0);
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Has two reads made, the second one for two who asked while the first one ran. */
async function shareTheSecond({ live, begun }: ReturnType<typeof readsOf>): Promise<void> {
  const asked = [live.since(), live.since(), live.since()];
  begun[0]?.end('first');
  await pass(0);
  begun[1]?.end('shared');
  expect(await Promise.all(asked)).toEqual(['first', 'shared', 'shared']);
}

describe('a live read', () => {
  it('gives everyone who asks at the same time the same two reads, the later one to those who asked while it ran', async () => {
    const { live, begun } = readsOf();
    const first = live.since();
    const later = [live.since(), live.since(), live.since()];
    expect(begun).toHaveLength(1);
    await pass(5);
    begun[0]?.end('before');
    expect(await first).toBe('before');
    await pass(0);
    expect(begun).toHaveLength(2);
    begun[1]?.end('after');
    expect(await Promise.all(later)).toEqual(['after', 'after', 'after']);
    expect(begun).toHaveLength(2);
  });

  it('reads again for who asks when none runs, but not for a moment before the last one', async () => {
    const { live, begun } = readsOf();
    const moment = performance.now();
    await pass(1);
    const first = live.since();
    begun[0]?.end('first');
    expect(await first).toBe('first');
    expect(await live.since(moment)).toBe('first');
    const second = live.since();
    await pass(0);
    begun[1]?.end('second');
    expect(await second).toBe('second');
  });

  it('tells a failure only to those whose read it was', async () => {
    const { live, begun } = readsOf();
    const first = live.since();
    const later = live.since();
    begun[0]?.fail(new Error('no answer'));
    await expect(first).rejects.toThrow('no answer');
    await pass(0);
    // Whoever comes now shares the read that was waited for.
    const latest = live.since(performance.now() - 1);
    begun[1]?.end('after');
    expect(await Promise.all([later, latest])).toEqual(['after', 'after']);
    expect(begun).toHaveLength(2);
  });

  it('rests after a read that several shared, until the time is over', async () => {
    const { live, begun } = readsOf(30);
    await shareTheSecond({ live, begun });
    await pass(10);
    const after = live.since();
    await pass(19);
    expect(begun).toHaveLength(2);
    await pass(1);
    expect(begun).toHaveLength(3);
    begun[2]?.end('after');
    expect(await after).toBe('after');
  });

  it('never lets those rest who ask alone, one after the other', async () => {
    const { live, begun } = readsOf(30);
    for (let turn = 0; turn < 3; turn += 1) {
      const asked = live.since();
      await pass(1);
      expect(begun).toHaveLength(turn + 1);
      begun[turn]?.end(`${turn}`);
      expect(await asked).toBe(`${turn}`);
    }
  });

  it('rests no longer once a crowd waits', async () => {
    const { live, begun } = readsOf(30, 3);
    await shareTheSecond({ live, begun });
    const after = [live.since(), live.since()];
    await pass(10);
    expect(begun).toHaveLength(2);
    after.push(live.since());
    await pass(0);
    expect(begun).toHaveLength(3);
    begun[2]?.end('after');
    expect(await Promise.all(after)).toEqual(['after', 'after', 'after']);
    // A crowd that gathers while a read runs waits for its end alone.
    const next = [live.since(), live.since(), live.since()];
    await pass(0);
    expect(begun).toHaveLength(4);
    const gathered = [live.since(), live.since(), live.since()];
    await pass(0);
    expect(begun).toHaveLength(4);
    begun[3]?.end('next');
    await pass(0);
    expect(begun).toHaveLength(5);
    begun[4]?.end('gathered');
    expect(await Promise.all([...next, ...gathered])).toEqual([
      ...Array(3).fill('next'),
      ...Array(3).fill('gathered'),
    ]);
  });

  it('lets those rest who are patient, until somebody comes who is not', async () => {
    const { live, begun } = readsOf();
    const first = live.since(undefined, 30);
    expect(begun).toHaveLength(1);
    begun[0]?.end('first');
    expect(await first).toBe('first');
    await pass(10);
    const patient = live.since(undefined, 30);
    await pass(19);
    expect(begun).toHaveLength(1);
    await pass(1);
    expect(begun).toHaveLength(2);
    begun[1]?.end('rested');
    expect(await patient).toBe('rested');
    await pass(10);
    const another = live.since(undefined, 30);
    await pass(10);
    expect(begun).toHaveLength(2);
    const hurried = live.since();
    await pass(0);
    expect(begun).toHaveLength(3);
    begun[2]?.end('hurried');
    expect(await Promise.all([another, hurried])).toEqual(['hurried', 'hurried']);
  });

  it('rests as long as the least patient of those who wait lets it, and no longer once a crowd waits', async () => {
    const { live, begun } = readsOf(30, 3);
    await shareTheSecond({ live, begun });
    const after = [live.since(undefined, 90)];
    await pass(40);
    expect(begun).toHaveLength(2);
    after.push(live.since(undefined, 60));
    await pass(19);
    expect(begun).toHaveLength(2);
    await pass(1);
    expect(begun).toHaveLength(3);
    begun[2]?.end('after');
    expect(await Promise.all(after)).toEqual(['after', 'after']);
    const crowd = [live.since(undefined, 90), live.since(undefined, 90)];
    await pass(50);
    expect(begun).toHaveLength(3);
    crowd.push(live.since(undefined, 90));
    await pass(0);
    expect(begun).toHaveLength(4);
    begun[3]?.end('crowd');
    expect(await Promise.all(crowd)).toEqual(['crowd', 'crowd', 'crowd']);
  });

  it('rests for the least time after a read that several shared, whatever crowd waits', async () => {
    const { live, begun } = readsOf(30, 3, 20);
    await shareTheSecond({ live, begun });
    const after = [live.since(undefined, 90), live.since(), live.since()];
    await pass(19);
    expect(begun).toHaveLength(2);
    await pass(1);
    expect(begun).toHaveLength(3);
    begun[2]?.end('after');
    expect(await Promise.all(after)).toEqual(['after', 'after', 'after']);
  });

  it('lets who is in a hurry wait all the same after a read that several shared', async () => {
    const { live, begun } = readsOf(30);
    await shareTheSecond({ live, begun });
    const patient = live.since(undefined, 30);
    const hurried = live.since();
    await pass(29);
    expect(begun).toHaveLength(2);
    await pass(1);
    expect(begun).toHaveLength(3);
    begun[2]?.end('after');
    expect(await Promise.all([patient, hurried])).toEqual(['after', 'after']);
  });
});

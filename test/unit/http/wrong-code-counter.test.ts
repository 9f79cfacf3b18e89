import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WrongCodeCounter } from '../../../src/http/wrong-code-counter.js';
import type { WrongCodes } from '../../../src/redemption/ports/wrong-code-store.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A counter, and what it has written. */
function counterWith(fail: () => boolean = () => false) {
  const written: [string, WrongCodes][] = [];
  const addWrongCodes = async (grantUid: string, requests: WrongCodes) => {
    if (fail()) throw new Error('the disk is full');
    written.push([grantUid, requests]);
  };
  return { counter: new WrongCodeCounter({ addWrongCodes }, Date.now), written };
}

it('writes the first request at once, and further ones together, at most every 10 s', async () => {
  const { counter, written } = counterWith();
  counter.count('a', '192.0.2.1');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toEqual([['a', { count: 1, lastAt: 1_000, lastPeer: '192.0.2.1' }]]);
  for (const peer of ['192.0.2.2', '192.0.2.3']) counter.count('a', peer);
  counter.count('b', '192.0.2.4');
  await vi.advanceTimersByTimeAsync(8_999);
  expect(written).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(written.slice(1)).toEqual([
    ['a', { count: 2, lastAt: 2_000, lastPeer: '192.0.2.3' }],
    ['b', { count: 1, lastAt: 2_000, lastPeer: '192.0.2.4' }],
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written).toHaveLength(3);
  counter.count('b', '192.0.2.5');
  expect(written).toHaveLength(4);
});

it('writes at most 100 counters in 10 s, whatever number of grants is named, and counts on for those', async () => {
  const { counter, written } = counterWith();
  counter.count('first', '192.0.2.1');
  for (let round = 0; round < 3; round += 1)
    for (let n = 0; n < 10_000; n += 1) counter.count(`grant ${n}`, '192.0.2.1');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written).toHaveLength(1 + 100);
  expect(written.at(-1)).toMatchObject(['grant 99', { count: 3 }]);
  counter.count('grant 100', '192.0.2.1');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written.at(-1)).toMatchObject(['grant 100', { count: 1 }]);
});

it('continues to count after a failed write', async () => {
  let isFull = true;
  const { counter, written } = counterWith(() => isFull);
  counter.count('a', '192.0.2.1');
  counter.count('a', '192.0.2.1');
  await vi.advanceTimersByTimeAsync(10_000);
  isFull = false;
  counter.count('a', '192.0.2.1');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written).toMatchObject([['a', { count: 1 }]]);
});

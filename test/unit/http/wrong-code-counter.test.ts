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

it('writes the first wrong code at once, and the counts of further ones every 10 s', async () => {
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

it('writes the counts of only 100 grants every 10 s after wrong codes for 20,000 grants, in the order of their first wrong code', async () => {
  const { counter, written } = counterWith();
  counter.count('first', '192.0.2.1');
  for (let round = 0; round < 3; round += 1)
    for (let n = 0; n < 20_000; n += 1) counter.count(`grant ${n}`, '192.0.2.1');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written).toHaveLength(1 + 100);
  expect(written.at(-1)).toMatchObject(['grant 99', { count: 3 }]);
  counter.count('grant 0', '192.0.2.1');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written).toHaveLength(1 + 200);
  expect(written.at(-1)).toMatchObject(['grant 199', { count: 3 }]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(written).toHaveLength(1 + 10_000 + 1);
  expect(written.at(-1)).toMatchObject(['grant 0', { count: 1 }]);
});

it('writes the count of a grant although 101 other grants get wrong codes before it in each interval', async () => {
  const { counter, written } = counterWith();
  for (let interval = 0; interval < 3; interval += 1) {
    for (let n = 0; n < 101; n += 1) counter.count(`loud ${n}`, '192.0.2.1');
    counter.count('quiet', '192.0.2.2');
    await vi.advanceTimersByTimeAsync(10_000);
  }
  expect(written.filter(([uid]) => uid === 'quiet')).toMatchObject([['quiet', { lastPeer: '192.0.2.2' }]]);
});

it('counts further wrong codes after a failed write', async () => {
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

import { expect, it, vi } from 'vitest';
import { PacedQueue } from '../../../../../src/platforms/kubernetes/controller/paced-queue.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

fakeTimers('setTimeout', 'clearTimeout');

function queueOf(everyMs = 100) {
  const keys: string[] = [];
  return { queue: new PacedQueue(everyMs, (key) => keys.push(key)), keys };
}

it('a paced queue passes on one key in each interval, however many are added, and each key once', () => {
  const { queue, keys } = queueOf();
  for (let number = 0; number < 1_500; number += 1) queue.add(`a/${number}`);
  for (let second = 0; second < 10; second += 1) {
    queue.add(`a/${1_499 - second}`);
    vi.advanceTimersByTime(1_000);
  }
  expect(keys).toEqual(Array.from({ length: 100 }, (_, number) => `a/${number}`));
});

it('a paced queue passes on the keys of the namespaces in rotation', () => {
  const { queue, keys } = queueOf();
  for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1']) queue.add(key);
  vi.advanceTimersByTime(500);
  expect(keys).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'a/3']);
});

it('a paced queue passes on a key again that is added after its turn, in a later interval', () => {
  const { queue, keys } = queueOf(1_000);
  queue.add('a/1');
  vi.advanceTimersByTime(1_000);
  queue.add('a/1');
  vi.advanceTimersByTime(999);
  expect(keys).toEqual(['a/1']);
  vi.advanceTimersByTime(1);
  expect(keys).toEqual(['a/1', 'a/1']);
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
});

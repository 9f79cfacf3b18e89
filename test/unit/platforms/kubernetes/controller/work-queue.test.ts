import { describe, expect, it, vi } from 'vitest';
import {
  type ReconcileResult,
  TerminalFailure,
  WorkQueue,
  type WorkQueueOptions,
} from '../../../../../src/platforms/kubernetes/controller/work-queue.js';
import { fakeTimers } from '../../../../support/fake-timers.js';

const BACK_OFF = { firstMs: 1_000, longestMs: 8_000 };

interface Turn {
  readonly key: string;
  end(result: ReconcileResult): void;
  fail(error: Error): void;
}

/** A queue whose work the test ends itself. */
function queueOf(concurrency = 2, more: Partial<WorkQueueOptions> = {}) {
  const turns: Turn[] = [];
  const failures: { key: string; retryInMs: number | undefined }[] = [];
  const queue = new WorkQueue({
    work: (key) => new Promise((end, fail) => turns.push({ key, end, fail })),
    onFailure: (key, _error, retryInMs) => failures.push({ key, retryInMs }),
    concurrency,
    maxPerNamespace: 1,
    backOff: BACK_OFF,
    ...more,
  });
  const last = () => turns.at(-1) as Turn;
  return { queue, turns, failures, last, keys: () => turns.map(({ key }) => key) };
}

fakeTimers('setTimeout', 'clearTimeout', 'performance');

/** Lets the queue process the work that has ended. */
const settled = () => vi.advanceTimersByTimeAsync(0);

describe('the work queue', () => {
  it('processes a key once, however often it was added, and not before it is started', async () => {
    const { queue, keys } = queueOf();
    for (const key of ['a', 'a', 'a']) queue.add(key);
    expect(keys()).toEqual([]);
    queue.start();
    expect(keys()).toEqual(['a']);
  });

  it('processes a key again that was added during its processing, and never twice at the same time', async () => {
    const { queue, keys, last } = queueOf();
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(keys()).toEqual(['a']);
    last().end('settled');
    await settled();
    expect(keys()).toEqual(['a', 'a']);
    last().end('settled');
    await settled();
    expect(keys()).toEqual(['a', 'a']);
  });

  it('processes keys in the order of their arrival, up to the number of workers at a time', async () => {
    const { queue, turns, keys } = queueOf(2);
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    expect(keys()).toEqual(['a', 'b']);
    turns[1]?.end('settled');
    await settled();
    expect(keys()).toEqual(['a', 'b', 'c']);
  });

  it('waits longer after each failure, up to a limit, and starts again after a success', async () => {
    const { queue, failures, last, turns } = queueOf();
    queue.start();
    queue.add('a');
    for (const full of [1_000, 2_000, 4_000, 8_000, 8_000]) {
      last().fail(new Error('no answer'));
      await settled();
      const { retryInMs = 0 } = failures.at(-1) ?? {};
      expect(retryInMs).toBeGreaterThanOrEqual(full / 2);
      expect(retryInMs).toBeLessThanOrEqual(full);
      const before = turns.length;
      await vi.advanceTimersByTimeAsync(retryInMs - 1);
      expect(turns).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(turns).toHaveLength(before + 1);
    }
    last().end('settled');
    await settled();
    queue.add('a');
    last().fail(new Error('no answer'));
    await settled();
    expect(failures.at(-1)?.retryInMs).toBeLessThanOrEqual(1_000);
  });

  it('delays a failed key even if it is added again and again', async () => {
    const { queue, last, turns } = queueOf();
    queue.start();
    queue.add('a');
    queue.add('a');
    last().fail(new Error('conflict'));
    await settled();
    queue.add('a');
    await vi.advanceTimersByTimeAsync(BACK_OFF.firstMs / 2 - 1);
    expect(turns).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(BACK_OFF.firstMs);
    expect(turns).toHaveLength(2);
    last().end('settled');
    await vi.advanceTimersByTimeAsync(BACK_OFF.longestMs);
    expect(turns).toHaveLength(2);
  });

  it('does not retry a key with a permanent failure until it is added again', async () => {
    const { queue, failures, last, turns } = queueOf();
    queue.start();
    queue.add('a');
    last().fail(new TerminalFailure('it is no grant'));
    await vi.advanceTimersByTimeAsync(BACK_OFF.longestMs);
    expect(failures).toEqual([{ key: 'a', retryInMs: undefined }]);
    expect(turns).toHaveLength(1);
    queue.add('a');
    expect(turns).toHaveLength(2);
  });

  it('processes a key again at the earliest requested time', async () => {
    const { queue, last, turns } = queueOf();
    queue.start();
    queue.add('a');
    last().end({ requeueAfterMs: 5_000 });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(turns).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(turns).toHaveLength(2);
    last().end({ requeueAfterMs: 5_000 });
    await settled();
    // A key that is added before that time is not processed twice.
    queue.add('a');
    last().end('settled');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(turns).toHaveLength(3);
  });

  it('processes a key that has to wait not before that time, even if it is added again and again', async () => {
    const { queue, keys, last, failures } = queueOf();
    queue.start();
    queue.add('a');
    queue.add('a');
    last().end({ retryAfterMs: 5_000 });
    await settled();
    for (let count = 0; count < 4; count += 1) {
      queue.add('a');
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(keys()).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(keys()).toEqual(['a', 'a']);
    last().fail(new Error('the first failure'));
    await settled();
    expect(failures).toHaveLength(1);
    expect(failures[0]?.retryInMs).toBeLessThanOrEqual(BACK_OFF.firstMs);
  });

  it('stops when running work has ended, drops the other keys, and can be started again', async () => {
    const { queue, last, turns, keys } = queueOf(1);
    queue.start();
    queue.add('a');
    queue.add('b');
    let stopped = false;
    const stop = queue.stop().then(() => {
      stopped = true;
    });
    await settled();
    expect(stopped).toBe(false);
    last().end({ requeueAfterMs: 1 });
    await stop;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(turns).toHaveLength(1);
    queue.start();
    queue.add('c');
    expect(keys()).toEqual(['a', 'c']);
  });

  it('processes a failed key at once if its object changed, also if that happened during its processing', async () => {
    const { queue, keys, last } = queueOf();
    queue.start();
    queue.add('a');
    last().fail(new Error('no'));
    await settled();
    queue.add('a');
    expect(keys()).toEqual(['a']);
    queue.addAndRetryNow('a');
    expect(keys()).toEqual(['a', 'a']);
    queue.addAndRetryNow('a');
    last().fail(new Error('no'));
    await settled();
    expect(keys()).toEqual(['a', 'a', 'a']);
  });

  it('processes a key once more, not twice, if it was added during its processing and also has to be retried', async () => {
    const { queue, turns, last } = queueOf(4);
    queue.start();
    queue.add('a');
    queue.addAndRetryNow('a');
    last().fail(new Error('no'));
    await settled();
    expect(turns).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(turns).toHaveLength(2);
    queue.add('a');
    last().end({ requeueAfterMs: 1_000 });
    await settled();
    expect(turns).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(turns).toHaveLength(3);
    last().end('settled');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(turns).toHaveLength(3);
  });

  it('limits the number of concurrent retries, and processes keys without failures first', async () => {
    const { queue, keys, turns } = queueOf(4, { mostRetries: 1 });
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    for (const turn of turns.slice(0, 4)) turn.fail(new Error('no'));
    await vi.advanceTimersByTimeAsync(BACK_OFF.longestMs);
    expect(keys()).toHaveLength(5);
    for (const key of ['e', 'f', 'g', 'h']) queue.add(key);
    expect(keys().slice(5)).toEqual(['e', 'f', 'g']);
    turns[4]?.end('settled');
    await settled();
    expect(keys()[8]).toBe('h');
    turns[5]?.end('settled');
    await settled();
    expect(['a', 'b', 'c', 'd']).toContain(keys()[9]);
    expect(keys()).toHaveLength(10);
  });

  it('serves namespaces in rotation, and limits the keys of a namespace that it processes at a time', async () => {
    const { queue, keys, turns } = queueOf(2);
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1']) queue.add(key);
    queue.start();
    expect(keys()).toEqual(['a/1', 'b/1']);
    turns[1]?.end('settled');
    await settled();
    expect(keys()).toEqual(['a/1', 'b/1']);
    turns[0]?.end('settled');
    await settled();
    expect(keys()).toEqual(['a/1', 'b/1', 'a/2']);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SharedRead, type SharedReadOptions } from '../../../src/time/shared-read.js';

/** A shared read, and its started reads, which the test ends itself. */
function readsOf(options: SharedReadOptions = {}) {
  const started: { end(value: string): void; fail(error: Error): void }[] = [];
  const shared = new SharedRead<string>(
    () => new Promise((end, fail) => started.push({ end, fail })),
    options,
  );
  return { shared, started };
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

describe('a shared read', () => {
  it('serves all callers that arrive during a read with the one read that starts after it', async () => {
    const { shared, started } = readsOf();
    const first = shared.readAfter();
    const later = [shared.readAfter(), shared.readAfter(), shared.readAfter()];
    expect(started).toHaveLength(1);
    await pass(5);
    started[0]?.end('before');
    expect(await first).toBe('before');
    await pass(0);
    expect(started).toHaveLength(2);
    started[1]?.end('after');
    expect(await Promise.all(later)).toEqual(['after', 'after', 'after']);
    expect(started).toHaveLength(2);
  });

  it('serves a caller from the last read only if that started after the moment that the caller names', async () => {
    const { shared, started } = readsOf();
    const moment = performance.now();
    await pass(1);
    const first = shared.readAfter();
    started[0]?.end('first');
    expect(await first).toBe('first');
    expect(await shared.readAfter(moment)).toBe('first');
    const second = shared.readAfter();
    await pass(0);
    started[1]?.end('second');
    expect(await second).toBe('second');
  });

  it('rejects only the callers whose read failed', async () => {
    const { shared, started } = readsOf();
    const first = shared.readAfter();
    const later = shared.readAfter();
    started[0]?.fail(new Error('no answer'));
    await expect(first).rejects.toThrow('no answer');
    await pass(0);
    const latest = shared.readAfter(performance.now() - 1);
    started[1]?.end('after');
    expect(await Promise.all([later, latest])).toEqual(['after', 'after']);
    expect(started).toHaveLength(2);
  });

  it('starts the first read at once, and each later read an interval after the one before', async () => {
    const { shared, started } = readsOf({ intervalMs: 30 });
    const first = shared.readAfter();
    expect(started).toHaveLength(1);
    started[0]?.end('first');
    expect(await first).toBe('first');
    await pass(10);
    const later = [shared.readAfter(), shared.readAfter()];
    await pass(19);
    expect(started).toHaveLength(1);
    await pass(1);
    expect(started).toHaveLength(2);
    started[1]?.end('later');
    expect(await Promise.all(later)).toEqual(['later', 'later']);
  });

  it('does not serve a value again with the option dropsValues', async () => {
    const { shared, started } = readsOf({ dropsValues: true });
    const moment = performance.now() - 1;
    const first = shared.readAfter();
    started[0]?.end('secret');
    expect(await first).toBe('secret');
    const second = shared.readAfter(moment);
    await pass(0);
    started[1]?.end('read again');
    expect(await second).toBe('read again');
  });
});

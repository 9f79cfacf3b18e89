import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { untilAborted, withinTime } from '../../../src/time/abort.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Waits until the signal is aborted, and returns its reason. */
function reasonOf(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}

describe('an operation with a time limit', () => {
  it('is aborted when the time is over, however much garbage is collected meanwhile', async () => {
    const never = new AbortController();
    const outcome = withinTime(100, [never.signal], reasonOf);
    for (let turn = 0; turn < 3; turn += 1) {
      await sleep(1);
      collectGarbage();
    }
    expect(await outcome).toMatchObject({ name: 'TimeoutError' });
  });

  it('is aborted with the reason of another signal, also if that was aborted before', async () => {
    const other = new AbortController();
    const outcome = withinTime(60_000, [other.signal], reasonOf);
    const reason = new Error('no more');
    other.abort(reason);
    expect(await outcome).toBe(reason);
    const late = await withinTime(60_000, [other.signal], async (signal) => signal.reason);
    expect(late).toBe(reason);
  });

  it('can share its signal with 49 others without a warning', async () => {
    const warnings: Error[] = [];
    const recordWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', recordWarning);
    const other = new AbortController();
    const all = Array.from({ length: 50 }, () => withinTime(60_000, [other.signal], reasonOf));
    await sleep(1);
    other.abort('over');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['over']));
    process.off('warning', recordWarning);
    expect(warnings).toEqual([]);
  });

  it('returns its result, and removes its listeners from the signals', async () => {
    const other = new AbortController();
    const signals: AbortSignal[] = [];
    const operation = async (signal: AbortSignal) => {
      signals.push(signal);
      return 'done';
    };
    expect(await withinTime(60_000, [other.signal], operation)).toBe('done');
    await expect(withinTime(60_000, [], () => Promise.reject(new Error('bad')))).rejects.toThrow('bad');
    other.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });
});

describe('a promise until a signal is aborted', () => {
  it('settles as its operation does', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted<string>(signal, (resolve) => resolve('done'))).toBe('done');
    await expect(untilAborted(signal, (_, reject) => reject(new Error('bad')))).rejects.toThrow('bad');
  });

  it('rejects with the reason of the signal, and starts nothing if that was aborted before', async () => {
    const controller = new AbortController();
    const outcome = untilAborted(controller.signal, () => {});
    controller.abort(new Error('no more'));
    await expect(outcome).rejects.toThrow('no more');
    const start = vi.fn();
    await expect(untilAborted(controller.signal, start)).rejects.toThrow('no more');
    expect(start).not.toHaveBeenCalled();
  });

  it('returns a result that arrived before the abort', async () => {
    const controller = new AbortController();
    const outcome = untilAborted<string>(controller.signal, (resolve) => resolve('done'));
    controller.abort();
    expect(await outcome).toBe('done');
  });

  it('removes its listener from the signal, also if the operation throws', async () => {
    const { signal } = new AbortController();
    await untilAborted(signal, (resolve) => resolve());
    await expect(
      untilAborted(signal, () => {
        throw new Error('bad');
      }),
    ).rejects.toThrow('bad');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

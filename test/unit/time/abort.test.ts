import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { withinTime } from '../../../src/time/abort.js';

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

  it('is aborted as soon as another signal is, also one that was aborted before', async () => {
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
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const other = new AbortController();
    const all = Array.from({ length: 50 }, () => withinTime(60_000, [other.signal], reasonOf));
    await sleep(1);
    other.abort('over');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['over']));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('returns its result, and removes its listeners from the signals', async () => {
    const other = new AbortController();
    const signals: AbortSignal[] = [];
    const act = async (signal: AbortSignal) => {
      signals.push(signal);
      return 'done';
    };
    expect(await withinTime(60_000, [other.signal], act)).toBe('done');
    await expect(withinTime(60_000, [], () => Promise.reject(new Error('bad')))).rejects.toThrow('bad');
    other.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });
});

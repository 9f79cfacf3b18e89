import { describe, expect, it, vi } from 'vitest';
import { Admission } from '../../../src/http/admission.js';

const LIMITS = { inFlight: 3, waitMs: 2_000 };

function started() {
  const queue = { waitMs: 0 };
  const logger = { warn: vi.fn() };
  const admission = new Admission(queue, logger, LIMITS);
  const ends: (() => void)[] = [];
  const begin = () => admission.run(() => new Promise<string>((resolve) => ends.push(() => resolve('done'))));
  return { queue, logger, admission, ends, begin };
}

describe('admission', () => {
  it('admits requests up to the limit, and another one after a request has ended', async () => {
    const { admission, ends, begin } = started();
    const running = [begin(), begin(), begin()];
    expect(await begin()).toBeUndefined();
    expect(admission.inFlight).toBe(3);
    ends[0]?.();
    expect(await running[0]).toBe('done');
    running.push(begin());
    for (const end of ends) end();
    expect(await Promise.all(running)).toEqual(['done', 'done', 'done', 'done']);
    expect(admission.inFlight).toBe(0);
  });

  it('does not count a failed request as in progress', async () => {
    const { admission } = started();
    await expect(admission.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(admission.inFlight).toBe(0);
  });

  it('refuses requests while connections wait longer than the limit', async () => {
    const { queue, admission } = started();
    const isAdmitted = async () => (await admission.run(async () => true)) ?? false;
    queue.waitMs = 2_000;
    expect(await isAdmitted()).toBe(true);
    queue.waitMs = 2_001;
    expect(await isAdmitted()).toBe(false);
  });

  it('logs an overload once, not for each request', async () => {
    const { queue, logger, admission } = started();
    queue.waitMs = 5_000;
    for (let request = 0; request < 3; request += 1)
      expect(await admission.run(async () => true)).toBeUndefined();
    const fields = { event: 'overloaded', inFlight: 0, connectionWaitMs: 5_000 };
    expect(logger.warn.mock.calls).toEqual([[fields, expect.any(String)]]);
  });
});

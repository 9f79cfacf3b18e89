import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/http/admission.js';
import { captureLog } from '../../support/service.js';

const LIMITS = { inFlight: 3, waitMs: 2_000, minConnections: 1 };

function started() {
  const queue = { waitMs: 0, acceptedSinceEmpty: 0 };
  const { logger, lines } = captureLog();
  const admission = new Admission(queue, logger, LIMITS);
  const ends: (() => void)[] = [];
  const begin = () => admission.run(() => new Promise<string>((resolve) => ends.push(() => resolve('done'))));
  return { queue, lines, admission, ends, begin };
}

describe('admission', () => {
  it('admits requests up to the limit, and the next one when one has ended', async () => {
    const { admission, ends, begin } = started();
    const running = [begin(), begin(), begin()];
    expect(await begin()).toBeUndefined();
    expect([admission.inFlight, admission.refused]).toEqual([3, 1]);
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
    queue.acceptedSinceEmpty = 2;
    queue.waitMs = 2_000;
    expect(await isAdmitted()).toBe(true);
    queue.waitMs = 2_001;
    expect(await isAdmitted()).toBe(false);
    // After a pause of the process, a few connections have waited that long.
    queue.acceptedSinceEmpty = 1;
    expect(await isAdmitted()).toBe(true);
  });

  it('logs an overload once, not for each request', async () => {
    const { queue, lines, admission } = started();
    Object.assign(queue, { acceptedSinceEmpty: 2, waitMs: 5_000 });
    for (let request = 0; request < 3; request += 1) await admission.run(async () => true);
    expect(admission.refused).toBe(3);
    expect(lines.filter((line) => line.includes('"event":"overloaded"'))).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/http/admission.js';
import { LoopDelay } from '../../../src/http/loop-delay.js';

const LIMITS = {
  ...{ issuing: 2, inFlight: 3, minConnections: 1, issuingDelayMs: 300, connectionDelayMs: 1_000 },
  ...{ issuingWaitMs: 2_000, inFlightWaitMs: 3_000, connectionWaitMs: 5_000 },
};

function started() {
  const delay = new LoopDelay();
  const connections = { size: 2 };
  const queue = { waitMs: 0, acceptedSinceEmpty: 0 };
  const admission = new Admission(delay, connections, queue, LIMITS);
  const ends: (() => void)[] = [];
  const begin = () => admission.run(() => new Promise<string>((resolve) => ends.push(() => resolve('done'))));
  return { delay, connections, queue, admission, ends, begin };
}

describe('admission', () => {
  it('admits requests up to the limit, and the next one when one has ended', async () => {
    const { admission, ends, begin } = started();
    const running = [begin(), begin(), begin()];
    expect(await begin()).toBeUndefined();
    expect([admission.inFlight, admission.shed.request]).toEqual([3, 1]);
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

  it('refuses certificates while more requests are in progress than can be answered soon', () => {
    const { admission, begin } = started();
    void begin();
    void begin();
    expect(admission.mayIssue()).toBe(true);
    void begin();
    expect(admission.mayIssue()).toBe(false);
    expect(admission.shed.issue).toBe(1);
  });

  it('refuses certificates, and later connections, while the event loop is late repeatedly', () => {
    const { delay, admission } = started();
    const may = () => [admission.mayIssue(), admission.mayConnect()];
    for (const late of [5_000, 5_000]) delay.record(late);
    expect(may()).toEqual([true, true]);
    delay.record(301);
    expect(may()).toEqual([false, true]);
    for (const late of [1_001, 2_000, 3_000]) delay.record(late);
    expect(may()).toEqual([false, false]);
    delay.record(10);
    expect(may()).toEqual([true, true]);
  });

  it('refuses nothing with few connections, however late the event loop is', () => {
    const { delay, connections, admission } = started();
    connections.size = 1;
    for (let turn = 0; turn < 3; turn += 1) delay.record(5_000);
    expect([admission.mayIssue(), admission.mayConnect()]).toEqual([true, true]);
  });

  it('refuses certificates, then requests, then connections, the longer connections have waited', async () => {
    const { queue, admission } = started();
    const may = async () => [
      admission.mayIssue(),
      (await admission.run(async () => true)) ?? false,
      admission.mayConnect(),
    ];
    queue.acceptedSinceEmpty = 2;
    const stages: [number, boolean[]][] = [
      [2_000, [true, true, true]],
      [2_001, [false, true, true]],
      [3_001, [false, false, true]],
      [5_001, [false, false, false]],
    ];
    for (const [waitMs, expected] of stages) {
      queue.waitMs = waitMs;
      expect(await may(), String(waitMs)).toEqual(expected);
    }
    // After a pause of the process, a few connections have waited that long.
    queue.acceptedSinceEmpty = 1;
    expect(await may()).toEqual([true, true, true]);
  });
});

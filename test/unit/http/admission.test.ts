import { describe, expect, it } from 'vitest';
import { Admission } from '../../../src/http/admission.js';
import { LoopDelay } from '../../../src/http/loop-delay.js';

const LIMITS = { issuing: 2, inFlight: 3, few: 1, issuingDelayMs: 300, connectionDelayMs: 1_000 };

function started() {
  const delay = new LoopDelay();
  const connections = { size: 2 };
  const admission = new Admission(delay, connections, LIMITS);
  const ends: (() => void)[] = [];
  const begin = () => admission.run(() => new Promise<string>((resolve) => ends.push(() => resolve('done'))));
  return { delay, connections, admission, ends, begin };
}

describe('admission', () => {
  it('lets so many requests in at once, and the next one when one of them has ended', async () => {
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

  it('gives the place of what failed to the next one', async () => {
    const { admission } = started();
    await expect(admission.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(admission.inFlight).toBe(0);
  });

  it('issues no certificate while more requests are under way than it can answer soon', () => {
    const { admission, begin } = started();
    void begin();
    void begin();
    expect(admission.mayIssue()).toBe(true);
    void begin();
    expect(admission.mayIssue()).toBe(false);
    expect(admission.shed.issue).toBe(1);
  });

  it('issues no certificate, and later takes no connection, while the event loop is late turn after turn', () => {
    const { delay, admission } = started();
    const may = () => [admission.mayIssue(), admission.mayConnect()];
    for (const late of [5_000, 5_000]) delay.note(late);
    expect(may()).toEqual([true, true]);
    delay.note(301);
    expect(may()).toEqual([false, true]);
    for (const late of [1_001, 2_000, 3_000]) delay.note(late);
    expect(may()).toEqual([false, false]);
    delay.note(10);
    expect(may()).toEqual([true, true]);
  });

  it('turns nobody away for a few, however late the event loop is: others on the machine make it so', () => {
    const { delay, connections, admission } = started();
    connections.size = 1;
    for (let turn = 0; turn < 3; turn += 1) delay.note(5_000);
    expect([admission.mayIssue(), admission.mayConnect()]).toEqual([true, true]);
  });
});

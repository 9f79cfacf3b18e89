import { expect, it, vi } from 'vitest';
import { atMostEvery, startPeriodic } from '../../../src/compose/operations.js';
import { fakeTimers } from '../../support/fake-timers.js';

const MINUTE = 60_000;

fakeTimers('setInterval', 'clearInterval', 'performance');

it('an hourly task of the leader runs within a minute after the start and after a change of the leader, and then every hour', async () => {
  let isLeading = true;
  const runs: number[] = [];
  let minute = 0;
  const hourly = atMostEvery(60 * MINUTE, () => runs.push(minute));
  const stop = startPeriodic([[MINUTE / 2, () => isLeading && hourly()]]);
  const pass = (minutes: number) => {
    for (let passed = 0; passed < minutes; passed += 1) {
      minute += 1;
      vi.advanceTimersByTime(MINUTE);
    }
  };
  pass(150);
  expect(runs).toEqual([1, 61, 121]);
  isLeading = false;
  pass(100);
  isLeading = true;
  pass(2);
  expect(runs).toEqual([1, 61, 121, 251]);
  stop();
  pass(120);
  expect(runs).toHaveLength(4);
});

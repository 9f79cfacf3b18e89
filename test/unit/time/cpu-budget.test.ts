import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { CpuBudget, type RunWork } from '../../../src/time/cpu-budget.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

/** Uses at least this many milliseconds of CPU in this thread. */
function use(ms: number): void {
  const before = process.threadCpuUsage();
  for (;;) {
    const { user, system } = process.threadCpuUsage(before);
    if ((user + system) / 1000 >= ms) return;
  }
}

it('a key waits until what it used beyond its budget is free again, and other keys do not wait', () => {
  const budget = new CpuBudget({ budgetMs: 20 });
  expect(budget.waitMs('west', NOW)).toBe(0);
  budget.startAttempt('west', () => NOW)(() => use(40));
  const waitMs = budget.waitMs('west', NOW);
  // 20 ms are free again after 30 s.
  expect(waitMs).toBeGreaterThanOrEqual(25_000);
  expect(budget.waitMs('west', NOW + waitMs - 1_000)).toBeGreaterThan(0);
  expect(budget.waitMs('west', NOW + waitMs)).toBe(0);
  expect(budget.waitMs('east', NOW)).toBe(0);
  budget.startAttempt('west', () => NOW)(() => use(40));
  expect(budget.waitMs('west', NOW)).toBeGreaterThanOrEqual(waitMs + 50_000);
});

it('no key waits any longer after the wait that it was told', () => {
  // Small costs and a small budget give the same quotients as large ones.
  const budget = new CpuBudget({ budgetMs: 0.3 });
  for (let key = 0; key < 200; key++) {
    budget.startAttempt(`${key}`, () => NOW)(() => use(0.5));
    const waitMs = budget.waitMs(`${key}`, NOW);
    expect(waitMs).toBeGreaterThan(0);
    expect(budget.waitMs(`${key}`, NOW + waitMs)).toBe(0);
  }
});

it('work that throws is charged', () => {
  const budget = new CpuBudget({ budgetMs: 20 });
  const work = () => {
    use(40);
    throw new Error('unreadable');
  };
  expect(() => budget.startAttempt('west', () => NOW)(work)).toThrow('unreadable');
  expect(budget.waitMs('west', NOW)).toBeGreaterThan(0);
});

it('the free time of an attempt is used up by all its work together', () => {
  const waits = (runs: readonly RunWork[]) => {
    for (const run of runs) run(() => use(10));
    return budget.waitMs('west', NOW) > 0;
  };
  const budget = new CpuBudget({ budgetMs: 20, freeMs: 500 });
  const next = () => budget.startAttempt('west', () => NOW);
  expect(waits(Array.from({ length: 60 }, next))).toBe(false);
  const attempt = next();
  expect(waits(Array.from({ length: 10 }, () => attempt))).toBe(false);
  expect(waits(Array.from({ length: 50 }, () => attempt))).toBe(true);
});

it('no key waits after the clock was set back', () => {
  const budget = new CpuBudget({ budgetMs: 20 });
  budget.startAttempt('west', () => NOW)(() => use(40));
  expect(budget.waitMs('west', NOW - 1)).toBe(0);
});

it('the CPU time of other threads is not charged', async () => {
  const budget = new CpuBudget({ budgetMs: 20 });
  const worker = new Worker('for (;;);', { eval: true });
  await new Promise((resolve) => worker.once('online', resolve));
  const before = process.cpuUsage().user;
  budget.startAttempt(
    'west',
    () => NOW,
  )(() => {
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (process.cpuUsage().user - before < 100_000) Atomics.wait(nothing, 0, 0, 50);
  });
  await worker.terminate();
  expect(budget.waitMs('west', NOW)).toBe(0);
});

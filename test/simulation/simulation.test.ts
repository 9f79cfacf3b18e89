import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFECTS } from './defects.js';
import { simulate } from './simulation.js';
import { SQL_DEFECTS } from './sql-defects.js';
import { describeSchedule, type Schedule, STORES, type Store, schedulesOf } from './steps.js';

/** The number of schedules, half of them for each store, and the seed of the first one; the next ones have the next seeds. */
const SCHEDULES = wholeNumber('SCHEDULES', 500);
const SEED = wholeNumber('SEED', 1);
/** Prints a line after so many schedules of a store. */
const PROGRESS = 10_000;
/** Each deliberate defect is found within so many schedules. */
const MAX_SCHEDULES = 2_000;

function wholeNumber(variable: string, otherwise: number): number {
  const value = Number(process.env[variable] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${variable} is not a whole number above 0`);
  return value;
}

/** Runs schedules of a store until one violates an invariant; returns it, and the seed from which it was chosen. */
async function findViolation(
  store: Store,
  count: number,
  run: typeof simulate,
  options: { readonly shrinks: boolean },
) {
  const property = fc.asyncProperty(schedulesOf(store), async (schedule) => void (await run(schedule)));
  for (let seed = SEED; seed < SEED + count; seed += 1) {
    const { counterexample } = await fc.check(property, { seed, numRuns: 1, endOnFailure: !options.shrinks });
    if (counterexample) return { seed, schedule: counterexample[0] };
    const done = seed - SEED + 1;
    if (done % PROGRESS === 0) console.log(`${done} schedules of the ${store} store without a violation`);
  }
  return undefined;
}

describe.each(STORES)('%s store', (store) => {
  const count = Math.ceil(SCHEDULES / STORES.length);

  it(`${count} schedules violate no invariant`, async () => {
    const found = await findViolation(store, count, simulate, { shrinks: true });
    if (!found) return;
    const { seed, schedule } = found;
    const log: string[] = [];
    const violation = await simulate(schedule, log).catch(String);
    const repeat = `SCHEDULES=1 SEED=${seed} npm run test:simulation`;
    expect.fail([repeat, violation, describeSchedule(schedule), ...log].join('\n'));
  });

  it('a schedule has the same requests each time', async () => {
    for (const schedule of fc.sample(schedulesOf(store), { seed: SEED, numRuns: 5 }))
      expect(await simulate(schedule)).toEqual(await simulate(schedule));
  });
});

it.each(Object.entries(DEFECTS))('is violated if %s', async (name, { violates }) => {
  const path = `./simulation.js?${new URLSearchParams({ defect: name })}`;
  const { simulate: simulateDefect } = (await import(path)) as { simulate: typeof simulate };
  const store = name in SQL_DEFECTS ? 'sql' : 'kubernetes';
  let violation = '';
  // Some defects violate several invariants.
  const run = async (schedule: Schedule) => {
    violation = await simulateDefect(schedule).then(() => '', String);
    if (violation.startsWith(`Violation: ${violates}: `)) throw new Error(violation);
    return [];
  };
  const found = await findViolation(store, MAX_SCHEDULES, run, { shrinks: false });
  expect(found).toBeDefined();
  if (process.env.SCHEDULES) console.log(`${name}: seed ${found?.seed}: ${violation}`);
});

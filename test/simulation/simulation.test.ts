import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEFECTS } from './defects.js';
import { simulate } from './simulation.js';
import { describeSchedule, schedules } from './steps.js';

/** The number of schedules, and the seed of the first one; the next ones have the next seeds. */
const SCHEDULES = Number(process.env.SCHEDULES ?? 500);
const SEED = Number(process.env.SEED ?? 1);
/** Each deliberate defect is found within so many schedules. */
const MAX_SCHEDULES = 2_000;

/** Runs schedules until one violates an invariant. Returns the shortest schedule that does so, and the requests in it. */
async function findViolation(
  count: number,
  run: typeof simulate,
): Promise<{ readonly seed: number; readonly report: string } | undefined> {
  const property = fc.asyncProperty(schedules, async (schedule) => void (await run(schedule)));
  for (let seed = SEED; seed < SEED + count; seed += 1) {
    const { counterexample } = await fc.check(property, { seed, numRuns: 1 });
    if (!counterexample) continue;
    const [schedule] = counterexample;
    const log: string[] = [];
    const violation = await run(schedule, log).catch(String);
    const repeat = `SCHEDULES=1 SEED=${seed} npm run test:simulation`;
    return { seed, report: [repeat, violation, describeSchedule(schedule), ...log].join('\n') };
  }
  return undefined;
}

it(`${SCHEDULES} schedules violate no invariant`, async () => {
  const found = await findViolation(SCHEDULES, simulate);
  expect(found?.report ?? 'no violation').toBe('no violation');
});

it.each(Object.entries(DEFECTS))('is violated if %s', async (name, { violates }) => {
  const path = `./simulation.js?${new URLSearchParams({ defect: name })}`;
  const { simulate: simulateDefect } = (await import(path)) as { simulate: typeof simulate };
  const found = await findViolation(MAX_SCHEDULES, simulateDefect);
  expect(found?.report ?? 'no violation').toContain(`Violation: ${violates}:`);
});

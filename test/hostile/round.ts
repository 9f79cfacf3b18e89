import { randomInt } from 'node:crypto';
import { createChance } from '../fuzz/chance.mjs';

const { LINKGRANT_TEST_HOSTILE, LINKGRANT_TEST_SEED } = process.env;
const MAX_SHOWN = 20;

/** A source of repeatable random choices. */
export type Chance = ReturnType<typeof createChance>;

/** One part of the hostile round: how many inputs it sends, and the seed that they are made from. */
export interface HostileRound {
  readonly count: number;
  readonly seed: number;
  readonly chance: Chance;
}

/**
 * Begins a part of the round and prints its seed. `LINKGRANT_TEST_HOSTILE=short` sends `short` inputs from seed 1, else
 * `full` inputs are sent from a random seed; `LINKGRANT_TEST_SEED` sets the seed of a run that is to be repeated.
 */
export function startRound(
  what: string,
  { full, short }: { readonly full: number; readonly short: number },
): HostileRound {
  const isShort = LINKGRANT_TEST_HOSTILE === 'short';
  const count = isShort ? short : full;
  const seed = LINKGRANT_TEST_SEED ? Number(LINKGRANT_TEST_SEED) : isShort ? 1 : randomInt(2 ** 31);
  console.log(`hostile round: ${count} ${what} from seed ${seed}`);
  return { count, seed, chance: createChance(seed) };
}

/** Prints how often each outcome occurred. */
export function printOutcomes(what: string, outcomes: ReadonlyMap<string, number>): void {
  const counts = [...outcomes].sort(([one], [other]) => one.localeCompare(other));
  console.log(
    `hostile round: ${what}: ${counts.map(([outcome, count]) => `${outcome} ${count}`).join(', ')}`,
  );
}

/** Adds one to the count of an outcome. */
export function countOutcome(outcomes: Map<string, number>, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/** Something that must not happen. */
export interface Violation {
  /** What happened, in the same words each time. */
  readonly what: string;
  /** The input and the output, to repeat it by hand. */
  readonly detail: string;
}

/** Throws an Error that shows each kind of violation once, with its count and the seed that repeats it. */
export function requireNone(violations: readonly Violation[], { seed }: HostileRound): void {
  if (violations.length === 0) return;
  const kinds = [...new Set(violations.map(({ what }) => what))];
  const shown = kinds.slice(0, MAX_SHOWN).map((kind) => {
    const alike = violations.filter(({ what }) => what === kind);
    return `${alike.length} times: ${kind}\n${alike[0]?.detail}`;
  });
  throw new Error(`${violations.length} violations from seed ${seed}\n\n${shown.join('\n\n')}`);
}

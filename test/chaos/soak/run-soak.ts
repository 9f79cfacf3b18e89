import { setTimeout as sleep } from 'node:timers/promises';
import { createChance } from '../../fuzz/chance.mjs';
import { linkgrant } from '../../support/command-line.js';
import { forEachParallel } from '../../support/parallel.js';
import { checkRound, type RoundFaults } from './check-round.js';
import { type ClientCounts, Clients, type Site } from './clients.js';
import { type FaultCounts, FaultLoop } from './fault-loop.js';
import { FaultyService } from './faulty-service.js';
import { type MemorySample, memoryGrowth } from './memory-growth.js';
import { countRecords, readRound } from './read-store.js';
import { makeKeys, makeRound } from './rounds.js';

/** How a soak runs. */
export interface SoakOptions {
  readonly directory: string;
  readonly redemptions: number;
  readonly seed: number;
}

/** What a soak has found. */
export interface SoakReport extends RoundFaults {
  /** Responses, ends of the service and results of commands that no fault explains. */
  readonly unexpected: readonly string[];
  /** How many redemptions the store has. */
  readonly recorded: number;
  readonly clients: ClientCounts;
  readonly faults: FaultCounts;
  readonly memory: readonly MemorySample[];
  readonly seconds: number;
}

const CLIENTS = 32;
/** One of so many sites sends the request of another site again that has a certificate. */
const REPEATED = 50;
/** Requests are repeated from so many rounds. */
const REPEATED_ROUNDS = 50;
const PROGRESS = 10_000;
/** In the last part of the run no process is killed, so that the memory of the processes can be compared. */
const PART_WITH_KILLS = 0.5;
const PAUSE_MS = 200;
const ATTEMPTS = 300;

/** Repeats an operation that fails while the service or its disk has a fault. */
async function untilItWorks<T>(operation: () => T | Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
    await sleep(PAUSE_MS);
  }
}

/**
 * Redeems with faults until so many redemptions are recorded and each fault has occurred, or until SIGTERM. Compares the store
 * with what the clients received, after each round and once more at the end.
 */
export async function runSoak({ directory, redemptions, seed }: SoakOptions): Promise<SoakReport> {
  const started = performance.now();
  const chance = createChance(seed);
  const service = new FaultyService(directory);
  await service.start();
  const keys = makeKeys();
  let attempts = 0;
  const nextRound = () => {
    const round = untilItWorks(() => {
      attempts += 1;
      return makeRound({ directory, place: service.place, name: `round-${attempts}` }, keys, chance);
    });
    // It is awaited when the round before has ended.
    round.catch(() => undefined);
    return round;
  };
  let next = nextRound();
  const clients = new Clients({ ca: (await next).ca, port: service.port, chance });
  const run = { redemptions, seed, killsUntil: redemptions * PART_WITH_KILLS };
  const faults = new FaultLoop(service, clients.counts, run);

  const found = { lost: new Set<string>(), double: new Set<string>(), burnt: new Set<string>() };
  const check = async (sites: readonly Site[]) => {
    const grants = [...new Set(sites.map(({ grantUid }) => grantUid))];
    const round = checkRound(sites, await untilItWorks(() => readRound(service.storeFile, grants)));
    for (const kind of ['lost', 'double', 'burnt'] as const)
      for (const fault of round[kind]) found[kind].add(fault);
  };
  const report = (recorded: number, failures: readonly string[] = []): SoakReport => ({
    lost: [...found.lost],
    double: [...found.double],
    burnt: [...found.burnt],
    unexpected: [...clients.unexpected, ...service.ends, ...faults.failures, ...failures],
    recorded,
    clients: clients.counts,
    faults: faults.counts,
    memory: faults.memory,
    seconds: Math.round((performance.now() - started) / 1000),
  });

  let isStopped = false;
  process.once('SIGTERM', () => {
    isStopped = true;
  });
  const isOver = () => isStopped || (clients.counts.redeemed >= redemptions && faults.isComplete);
  const rounds: Site[][] = [];
  let printed = 0;
  while (!isOver() && faults.failures.length === 0) {
    const { sites } = await next;
    next = nextRound();
    await forEachParallel(sites, CLIENTS, async (site) => {
      await clients.redeem(site);
      if (chance.below(REPEATED) > 0) return;
      const earlier = chance.pick(chance.pick([...rounds.slice(-REPEATED_ROUNDS), sites]));
      if (earlier.certificates.size > 0) await clients.redeem(earlier);
    });
    await check(sites);
    rounds.push(sites);
    if (clients.counts.redeemed - printed < PROGRESS) continue;
    printed = clients.counts.redeemed;
    process.stderr.write(`${new Date().toISOString()} ${summaryOf(report(printed))}\n`);
  }
  await faults.end();
  await next;

  // Once more, because a later crash could lose what an earlier check has found.
  for (const sites of rounds) await check(sites);
  const recorded = countRecords(service.storeFile);
  const verified = await linkgrant(['ledger', 'verify', ...service.place]);
  await service.stop();
  const failures = [];
  if (verified.code !== 0) failures.push(`ledger verify: ${verified.stdout}${verified.stderr}`);
  const { redeemed } = clients.counts;
  if (recorded !== redeemed) failures.push(`${recorded} records for ${redeemed} certificates`);
  return report(recorded, failures);
}

/** One line about a report: counts, the first unexpected results, and the memory of the workers. */
export function summaryOf({ lost, double, burnt, unexpected, memory, ...counts }: SoakReport): string {
  const found = { lost: lost.length, double: double.length, burnt: burnt.length };
  const mebibytes = (values: readonly number[]) => values.map((value) => Number(value.toFixed(2)));
  return JSON.stringify({
    ...counts,
    ...found,
    unexpected: unexpected.slice(0, 3),
    workersMiB: mebibytes(memory.at(-1)?.workers ?? []),
    grownMiBPer100k: mebibytes(memoryGrowth(memory)),
  });
}

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { readSignedCode } from '../../../src/codes/signed-code.js';
import { createChance } from '../../fuzz/chance.mjs';
import { expectSuccess, linkgrant } from '../../support/command-line.js';
import { forEachParallel } from '../../support/parallel.js';
import { checkRound, type RoundFaults, type StoredRound } from './check-round.js';
import { type ClientCounts, Clients, makeKeys, makeSite, type RoundCode, type Site } from './clients.js';
import { type FaultCounts, FaultLoop } from './fault-loop.js';
import { FaultyService } from './faulty-service.js';
import type { MemorySample } from './memory-growth.js';

/** How a soak runs. */
export interface SoakOptions {
  readonly directory: string;
  readonly redemptions: number;
  readonly seed: number;
}

/** What a soak has found. */
export interface SoakReport {
  readonly lost: readonly string[];
  readonly double: readonly string[];
  readonly burnt: readonly string[];
  /** Responses, ends of the service and results of commands that no fault explains. */
  readonly unexpected: readonly string[];
  readonly recorded: number;
  readonly clients: ClientCounts;
  readonly faults: FaultCounts;
  readonly memory: readonly MemorySample[];
  readonly seconds: number;
}

const CLIENTS = 32;
/** The sites and uses of a round: those of the code of a grant, and those of each signed code of another grant. */
const GRANT = { sites: 1_600, uses: 1_500 };
const CODES = { count: 100, sites: 4, uses: 3 };
/** Redemptions of one round. */
export const ROUND = GRANT.uses + CODES.count * CODES.uses;
/** One of so many sites sends the request of another site again that has a certificate. */
const REPEATED = 50;
const PROGRESS = 10_000;
const PAUSE_MS = 200;
const ATTEMPTS = 300;
/** In the last part of the run no process is killed, so that the memory of the processes can be compared. */
const PART_WITH_KILLS = 0.5;

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

/** Creates the grants of a round and their codes. Names are not used again after an attempt that failed. */
async function makeCodes(
  service: FaultyService,
  directory: string,
  name: string,
): Promise<{ codes: RoundCode[]; ca: string }> {
  const run = async (...words: string[]) =>
    expectSuccess(await linkgrant([...words, ...service.place])).stdout;
  const readToken = (text: string) => {
    const { url, code, ca } = parse(text).spec;
    return { grantUid: new URL(url).pathname.slice(1), code, ca };
  };
  const limits = (uses: number) => ['--redemptions-allowed', String(uses), '--expiration-window', '2d'];
  const { ca, ...first } = readToken(
    await run('token', 'issue', '-', '--name', `${name}-grant`, ...limits(GRANT.uses)),
  );
  await run('grant', 'create', `${name}-codes`, ...limits(CODES.count * CODES.uses));
  const tokens = `${directory}/${name}`;
  mkdirSync(tokens);
  const each = ['--count', String(CODES.count), '--redemptions-allowed', String(CODES.uses)];
  await run('token', 'issue', tokens, '--grant', `${name}-codes`, ...each);
  const signed = readdirSync(tokens).map((file) => {
    const { ca: _, ...token } = readToken(readFileSync(`${tokens}/${file}`, 'utf8'));
    return { ...token, jti: readSignedCode(token.code)?.jti ?? '' };
  });
  return { codes: [{ ...first, jti: null }, ...signed], ca };
}

/** Reads what the store has about these grants. */
function readRound(file: string, grants: readonly string[]): StoredRound {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const marks = grants.map(() => '?').join(', ');
    const rows = (sql: string) => database.prepare(`${sql} IN (${marks})`).all(...grants) as never[];
    return {
      redemptions: rows(
        'SELECT grant_uid, jti, key_sha256, certificate_sha256 FROM redemptions WHERE grant_uid',
      ),
      grants: rows(
        'SELECT uid AS grant_uid, redemptions_allowed AS uses, redemptions AS used FROM grants WHERE uid',
      ),
      codes: rows('SELECT grant_uid, jti, uses, used FROM codes WHERE grant_uid'),
    };
  } finally {
    database.close();
  }
}

function countRedemptions(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare('SELECT count(*) AS count FROM redemptions').get()?.count);
  } finally {
    database.close();
  }
}

function shuffle<T>(items: T[], below: (limit: number) => number): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = below(last + 1);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}

/**
 * Redeems with faults until so many redemptions are recorded, or until SIGTERM, and compares the store with what the clients
 * received.
 */
export async function runSoak({ directory, redemptions, seed }: SoakOptions): Promise<SoakReport> {
  const started = performance.now();
  const chance = createChance(seed);
  const service = new FaultyService(directory);
  await service.start();
  const keys = makeKeys(GRANT.sites);
  let made = 0;
  const makeRound = () =>
    untilItWorks(() => makeCodes(service, directory, `round-${made++}`)).then(({ codes, ca }) => {
      const [grant, ...signed] = codes as [RoundCode, ...RoundCode[]];
      const perSite = [
        ...Array.from({ length: GRANT.sites }, () => grant),
        ...signed.flatMap((code) => Array.from({ length: CODES.sites }, () => code)),
      ];
      const sites = perSite.map((code, index) =>
        makeSite(code, keys[index % keys.length] as never, `site-${index}`),
      );
      return { sites: shuffle(sites, chance.below), ca };
    });

  let next = makeRound();
  const clients = new Clients({ ca: (await next).ca, port: service.port, chance });
  const faults = new FaultLoop(service, clients.counts, {
    redemptions,
    seed,
    killsUntil: redemptions * PART_WITH_KILLS,
  });
  const found: RoundFaults = { lost: [], double: [], burnt: [] };
  const check = async (sites: readonly Site[]) => {
    const grants = [...new Set(sites.map(({ grantUid }) => grantUid))];
    const round = checkRound(sites, await untilItWorks(() => readRound(service.storeFile, grants)));
    for (const kind of ['lost', 'double', 'burnt'] as const) found[kind].push(...round[kind]);
  };
  const report = (): SoakReport => ({
    ...found,
    unexpected: [...clients.unexpected, ...service.ends, ...faults.failures],
    recorded: 0,
    clients: clients.counts,
    faults: faults.counts,
    memory: faults.memory,
    seconds: Math.round((performance.now() - started) / 1000),
  });

  const rounds: Site[][] = [];
  let printed = 0;
  let isStopped = false;
  process.once('SIGTERM', () => {
    isStopped = true;
  });
  const isOver = () => isStopped || (clients.counts.redeemed >= redemptions && faults.isComplete);
  while (!isOver() && faults.failures.length === 0) {
    const { sites } = await next;
    next = makeRound();
    // It is awaited in the next turn.
    next.catch(() => undefined);
    await forEachParallel(sites, CLIENTS, async (site) => {
      await clients.redeem(site);
      if (chance.below(REPEATED) > 0) return;
      const earlier = chance.pick(chance.pick([...rounds.slice(-50), sites]));
      if (earlier.certificates.size > 0) await clients.redeem(earlier);
    });
    await check(sites);
    rounds.push(sites);
    if (clients.counts.redeemed - printed >= PROGRESS || isOver()) {
      printed = clients.counts.redeemed;
      process.stderr.write(`${new Date().toISOString()} ${JSON.stringify(summaryOf(report()))}\n`);
    }
  }
  await faults.end();
  await next;

  // Once more, because a later crash could lose what an earlier check has found.
  for (const sites of rounds) await check(sites);
  const recorded = countRedemptions(service.storeFile);
  const verified = await linkgrant(['ledger', 'verify', ...service.place]);
  await service.stop();
  const unexpected = [...report().unexpected];
  if (verified.code !== 0) unexpected.push(`ledger verify: ${verified.stdout}${verified.stderr}`);
  if (recorded !== clients.counts.redeemed)
    unexpected.push(`${recorded} records for ${clients.counts.redeemed} certificates`);
  return { ...report(), unexpected, recorded };
}

/** A report with counts in place of texts, for one line of the progress. */
function summaryOf({ lost, double, burnt, unexpected, memory, recorded: _, ...counts }: SoakReport) {
  const found = {
    lost: lost.length,
    double: double.length,
    burnt: burnt.length,
    unexpected: unexpected.slice(0, 3),
  };
  return { ...counts, ...found, memory: memory.at(-1)?.workers };
}

import { fileURLToPath } from 'node:url';
import type { SqliteDriverName } from '../../src/files/sqlite-driver.js';
import {
  type EndedProcess,
  linkgrant,
  type Serving,
  startLinkgrant,
  startServe,
} from '../support/command-line.js';
import { EXECUTABLES } from '../support/programs.js';

const KILLED_AT = fileURLToPath(new URL('killed-at.mjs', import.meta.url));

/** How a command is run: killed at a checkpoint, under a moved clock, with an SQLite driver, or none of these. */
export interface Fate {
  readonly killedAt?: string;
  readonly clockOffsetMs?: number;
  readonly driver?: SqliteDriverName | undefined;
}

const envOf = ({ driver }: Fate) => (driver === undefined ? {} : { LINKGRANT_SQLITE: driver });
const programOf = (fate: Fate) => ({
  main: [KILLED_AT, fate.killedAt ?? 'none', String(fate.clockOffsetMs ?? 0)],
  env: envOf(fate),
});

/**
 * Runs a command to its end: in the process of the test, or in a process of its own if a checkpoint kills it or an executable runs
 * it.
 */
export async function run(words: readonly string[], fate: Fate = {}): Promise<EndedProcess> {
  const { killedAt, clockOffsetMs = 0 } = fate;
  if (killedAt !== undefined || EXECUTABLES) return runProcess(words, fate);
  return { signal: null, ...(await linkgrant(words, { clockOffsetMs, env: envOf(fate) })) };
}

/** Runs a command in a process of its own, to its end. */
export function runProcess(words: readonly string[], fate: Fate = {}): Promise<EndedProcess> {
  return startLinkgrant(words, programOf(fate)).ended;
}

/** Starts `serve` and resolves once it listens. */
export function serve(words: readonly string[], fate: Fate = {}): Promise<Serving> {
  return startServe(words, programOf(fate));
}

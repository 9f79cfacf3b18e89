import { fileURLToPath } from 'node:url';
import {
  type EndedProcess,
  linkgrant,
  type Serving,
  startLinkgrant,
  startServe,
} from '../support/command-line.js';
import { EXECUTABLES } from '../support/programs.js';

const KILLED_AT = fileURLToPath(new URL('killed-at.mjs', import.meta.url));

/** Conditions of a run: a checkpoint that kills the command, and the offset of its clock. */
export interface RunConditions {
  readonly killedAt?: string;
  readonly clockOffsetMs?: number;
}

const programOf = (conditions: RunConditions) => ({
  main: [KILLED_AT, conditions.killedAt ?? 'none', String(conditions.clockOffsetMs ?? 0)],
});

/**
 * Runs a command to its end: in the process of the test, or in a process of its own if a checkpoint kills it or an executable
 * runs it.
 */
export async function run(words: readonly string[], conditions: RunConditions = {}): Promise<EndedProcess> {
  const { killedAt, clockOffsetMs = 0 } = conditions;
  if (killedAt !== undefined || EXECUTABLES) return runProcess(words, conditions);
  return { signal: null, ...(await linkgrant(words, { clockOffsetMs })) };
}

/** Runs a command in a process of its own, to its end. */
export function runProcess(words: readonly string[], conditions: RunConditions = {}): Promise<EndedProcess> {
  return startLinkgrant(words, programOf(conditions)).ended;
}

/** Starts `serve` and resolves once it listens. */
export function serve(words: readonly string[], conditions: RunConditions = {}): Promise<Serving> {
  return startServe(words, programOf(conditions));
}

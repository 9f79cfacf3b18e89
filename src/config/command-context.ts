import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable, Writable } from 'node:stream';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command uses of the process that it runs in. Tests replace it. */
export interface CommandContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Environment;
  /** Returns the time in milliseconds since the epoch. */
  readonly clock: () => number;
  /** Called at each named point where a crash matters; does nothing outside of tests. */
  readonly checkpoint: (name: string) => void | Promise<void>;
}

// The tests run several commands at once in one process. Every command uses its context in many places, so the context travels
// with the asynchronous calls instead of through the parameters of each function.
const contexts = new AsyncLocalStorage<{ readonly context: CommandContext; readonly program: ProgramName }>();

// With getters, because the first use of standard input opens it.
const PROCESS: CommandContext = {
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  env: process.env,
  clock: Date.now,
  checkpoint: () => undefined,
};

/** The words with which a user starts the program: its name, those of a kubectl plugin, or those in a checkout. */
export type ProgramName = 'linkgrant' | 'kubectl linkgrant' | 'npx linkgrant';

/** Returns the context of the running command; outside a command that of the process. */
export function commandContext(): CommandContext {
  return contexts.getStore()?.context ?? PROCESS;
}

/** Returns whether a standard stream is a terminal. */
export function isTerminal(stream: Readable | Writable): boolean {
  return (stream as { readonly isTTY?: boolean }).isTTY === true;
}

/** Returns the words with which the running command was started. */
export function programName(): ProgramName {
  return contexts.getStore()?.program ?? 'linkgrant';
}

/** Runs `command` so that {@link commandContext} and {@link programName} return these values in all that it calls. */
export function runInContext<T>(
  context: CommandContext,
  program: ProgramName,
  command: () => Promise<T>,
): Promise<T> {
  return contexts.run({ context, program }, command);
}

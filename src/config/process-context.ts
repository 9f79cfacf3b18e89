import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable, Writable } from 'node:stream';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The standard streams and the environment of a command. */
export interface ProcessContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Environment;
}

// The tests run several commands at once in one process. Every command writes from many places, so the context travels with the
// asynchronous calls instead of through the parameters of each function.
const contexts = new AsyncLocalStorage<{ readonly context: ProcessContext; readonly program: ProgramName }>();

/** The words with which a user starts the program: its name, those of a kubectl plugin, or those in a checkout. */
export type ProgramName = 'linkgrant' | 'kubectl linkgrant' | 'npx linkgrant';

/** Returns the streams and the environment of the running command; outside a command those of the process. */
export function processContext(): ProcessContext {
  return contexts.getStore()?.context ?? process;
}

/** Returns whether a standard stream is a terminal. */
export function isTerminal(stream: Readable | Writable): boolean {
  return (stream as { readonly isTTY?: boolean }).isTTY === true;
}

/** Returns the words with which the running command was started. */
export function programName(): ProgramName {
  return contexts.getStore()?.program ?? 'linkgrant';
}

/** Runs `command` so that {@link processContext} and {@link programName} return these values in all that it calls. */
export function runInProcessContext<T>(
  context: ProcessContext,
  program: ProgramName,
  command: () => Promise<T>,
): Promise<T> {
  return contexts.run({ context, program }, command);
}

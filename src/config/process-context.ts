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

// One process can run several commands at once (the tests do). Every command writes from many places, so the context travels
// with the asynchronous calls instead of through the parameters of each function.
const contexts = new AsyncLocalStorage<ProcessContext>();

/** Returns the streams and the environment of the running command; outside a command those of the process. */
export function processContext(): ProcessContext {
  return contexts.getStore() ?? process;
}

/** Runs `command` so that {@link processContext} returns `context` in all that it calls. */
export function runInProcessContext<T>(context: ProcessContext, command: () => Promise<T>): Promise<T> {
  return contexts.run(context, command);
}

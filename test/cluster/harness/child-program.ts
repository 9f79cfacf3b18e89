import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

// They are written in Go, and live for half a minute: a fifth of their work would be to collect garbage.
const ENVIRONMENT = { GOGC: '400', ...process.env };

/** A program that runs beside a test, with what it says in a file. */
export class ChildProgram {
  readonly #child: ChildProcess;
  readonly #log: string;
  #failure: Error | undefined;

  constructor(command: string, args: readonly string[], log: string) {
    this.#log = log;
    // A file, not a pipe, because the program may outlive this process.
    const output = openSync(log, 'a');
    this.#child = spawn(command, args, { stdio: ['ignore', output, output], env: ENVIRONMENT });
    closeSync(output);
    this.#child.unref();
    this.#child.once('error', (error) => {
      this.#failure = error;
    });
  }

  /** The process id; undefined if the program did not start. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Throws if the program has ended. */
  check(): void {
    const { exitCode, signalCode, spawnfile } = this.#child;
    if (this.#failure) throw this.#failure;
    if (exitCode === null && signalCode === null) return;
    throw new Error(`${spawnfile} ended (${signalCode ?? exitCode}); what it said is in ${this.#log}`);
  }

  /** Ends the program, at once unless it is given time to clean up, and waits until it has ended. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (this.#failure || exitCode !== null || signalCode !== null) return;
    this.#child.ref();
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}

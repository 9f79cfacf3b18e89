import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

// For Go programs: by default they would spend a fifth of their CPU time on garbage collection.
const ENVIRONMENT = { GOGC: '400', ...process.env };

/** A program that runs beside a test and writes its output to a file. */
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

  /** Returns why the program does not run; undefined while it runs. */
  failure(): Error | undefined {
    const { exitCode, signalCode, spawnfile } = this.#child;
    if (this.#failure || (exitCode === null && signalCode === null)) return this.#failure;
    return new Error(`${spawnfile} ended (${signalCode ?? exitCode}); its output is in ${this.#log}`);
  }

  /** Kills the program, and waits until it has ended. */
  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (this.#failure || exitCode !== null || signalCode !== null) return;
    this.#child.ref();
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

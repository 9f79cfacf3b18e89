import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

// They are written in Go, and live for half a minute: a fifth of their work would be to collect garbage.
const ENVIRONMENT = { GOGC: '400', ...process.env };

/** A program that runs beside a test, with what it says in a file. */
export class ChildProgram {
  readonly #child: ChildProcess;
  readonly #log: string;
  #failure: Error | undefined;

  constructor(command: string, args: readonly string[], log: string) {
    this.#log = log;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: ENVIRONMENT });
    const out = createWriteStream(log, { flags: 'a' });
    this.#child.stdout?.pipe(out, { end: false });
    this.#child.stderr?.pipe(out, { end: false });
    this.#child.once('error', (error) => {
      this.#failure = error;
    });
    this.#child.once('close', () => out.end());
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
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}

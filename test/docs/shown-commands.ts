import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { MAIN } from '../support/programs.js';

/** Runs commands that a document shows, in a temporary directory; each side has a directory of its own in it. */
export class ShownCommands {
  readonly directory = mkdtempSync(join(tmpdir(), 'linkgrant-shown-'));
  readonly #processes: ChildProcess[] = [];

  /** Runs a command to its end, expects exit code 0, and returns what it printed. */
  async run(side: string, words: readonly string[], skupperHome?: string): Promise<string> {
    const child = this.#start(side, words, skupperHome);
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (printed += text));
    const [code] = await once(child, 'close');
    expect(code, `${words.join(' ')}\n${printed}`).toBe(0);
    return printed;
  }

  /** Starts the service, and resolves when it answers. */
  async serve(side: string, words: readonly string[], skupperHome?: string): Promise<void> {
    const { stdout } = this.#start(side, words, skupperHome);
    let printed = '';
    for await (const text of stdout?.setEncoding('utf8') ?? []) {
      printed += text;
      if (printed.includes('Next: linkgrant token issue token.yaml')) return;
    }
    throw new Error(`the service did not start: ${printed}`);
  }

  /** Stops the services and removes the directory. */
  async close(): Promise<void> {
    for (const child of this.#processes) {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Starts a command with a data directory of its side and any free port. */
  #start(side: string, [program, ...words]: readonly string[], skupperHome?: string): ChildProcess {
    expect(program).toBe('linkgrant');
    const cwd = join(this.directory, side);
    mkdirSync(cwd, { recursive: true });
    const child = spawn(process.execPath, [MAIN, ...words], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: this.directory,
        LINKGRANT_DATA_DIR: join(cwd, 'data'),
        LINKGRANT_LISTEN: '127.0.0.1:0',
        LINKGRANT_OPS_LISTEN: 'off',
        ...(skupperHome !== undefined && { LINKGRANT_SKUPPER_HOME: skupperHome }),
      },
    });
    this.#processes.push(child);
    return child;
  }
}

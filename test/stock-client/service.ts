import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

/** The built service as a process of its own, with a data directory of its own. */
export class Service {
  readonly #directory = mkdtempSync(join(tmpdir(), 'linkgrant-stock-'));
  readonly #dataDir = join(this.#directory, 'data');
  #child: ChildProcess | undefined;
  #tokens = 0;

  /** Starts the service. Resolves when it serves; rejects with its output if it ends first. */
  async start(...flags: readonly string[]): Promise<void> {
    const fixed = ['--data-dir', this.#dataDir, '--host', '127.0.0.1', '--ops-listen', 'off'];
    const listen = flags.some((flag) => flag.startsWith('--listen=')) ? [] : ['--listen=127.0.0.1:0'];
    const child = spawn(process.execPath, [MAIN, 'serve', ...fixed, ...listen, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let output = '';
    await new Promise<void>((settle, reject) => {
      const read = (chunk: Buffer) => {
        output += chunk;
        if (/^Serving https:/m.test(output)) settle();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${output}`)));
    });
  }

  /** Creates a grant; returns the path of a token file for it. */
  createToken(grant: string, ...flags: readonly string[]): string {
    this.#tokens += 1;
    const token = join(this.#directory, `token-${this.#tokens}.yaml`);
    this.#run('grant', 'create', grant, '--token', token, ...flags);
    return token;
  }

  /** Issues a signed token of an existing grant; returns the path of its file. */
  signToken(grant: string, ...flags: readonly string[]): string {
    this.#tokens += 1;
    const token = join(this.#directory, `token-${this.#tokens}.yaml`);
    this.#run('token', 'issue', token, '--grant', grant, ...flags);
    return token;
  }

  /** The grant as `grant show -o json` prints it. */
  showGrant(grant: string): { readonly redemptions: number; readonly state: string } {
    return JSON.parse(this.#run('grant', 'show', grant, '-o', 'json'));
  }

  /** Ends the process; its data directory remains. */
  async terminate(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    child.kill('SIGTERM');
    await ended;
  }

  /** Ends the process and removes its data directory. */
  async stop(): Promise<void> {
    await this.terminate();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #run(...args: readonly string[]): string {
    return execFileSync(process.execPath, [MAIN, ...args, '--data-dir', this.#dataDir], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

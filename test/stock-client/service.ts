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

  /** Resolves once it answers; rejects with what it said if it ends before. */
  async start(...flags: readonly string[]): Promise<void> {
    const fixed = ['--data-dir', this.#dataDir, '--host', '127.0.0.1', '--ops-listen', 'off'];
    const listen = flags.some((flag) => flag.startsWith('--listen=')) ? [] : ['--listen=127.0.0.1:0'];
    const child = spawn(process.execPath, [MAIN, 'serve', ...fixed, ...listen, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let said = '';
    await new Promise<void>((settle, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk;
        if (/^Serving https:/m.test(said)) settle();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => reject(new Error(`serve ended with ${code}: ${said}`)));
    });
  }

  /** Makes a grant, and gives the path of a token file for it. */
  createToken(grant: string, ...flags: readonly string[]): string {
    this.#tokens += 1;
    const token = join(this.#directory, `token-${this.#tokens}.yaml`);
    this.#run('grant', 'create', grant, '--token', token, ...flags);
    return token;
  }

  /** Gives the path of a file with a signed token of a grant that is there. */
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

  /** Ends the process; what it stored stays. */
  async terminate(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    child.kill('SIGTERM');
    await ended;
  }

  /** Ends the process and removes what it stored. */
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

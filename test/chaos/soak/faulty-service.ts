import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENDPOINT, type Serving, startServe } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { childrenOf, isAlive } from '../../support/process-children.js';

const CLOCK = new URL('../movable-clock.mjs', import.meta.url).pathname;
const COLLECT = new URL('../../../bench/collect-garbage.mjs', import.meta.url).pathname;
const WORKERS = 2;
/** Size of the disk when it is not full. A tmpfs uses only the memory that its files need. */
const ROOMY = '75%';
const LIMIT_MS = 120_000;
const POLL_MS = 20;
// The bit of SIGUSR2 in `SigCgt` of /proc/PID/status.
const SIGUSR2_BIT = 1n << 11n;

async function waitFor(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${LIMIT_MS / 1000} s: ${what}`);
    await sleep(POLL_MS);
  }
}

/** True if a process handles SIGUSR2, which ends a process of Node that is still starting. */
function handlesSignal(pid: number): boolean {
  const [, caught = '0'] = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${caught}`) & SIGUSR2_BIT) !== 0n;
}

/**
 * A service with two workers whose store is on a disk of its own, a tmpfs. The process must have its own mount namespace
 * (unshare --mount). Only one fault may run at a time.
 */
export class FaultyService {
  /** Flags of commands on its store. */
  readonly place: readonly string[];
  readonly storeFile: string;
  readonly dataDir: string;
  /** Each end of the service that no fault caused. */
  readonly ends: string[] = [];
  port = 0;
  readonly #disk: string;
  readonly #offsetFile: string;
  readonly #collectedFile: string;
  #serving: Serving | undefined;

  constructor(directory: string) {
    this.dataDir = `${directory}/data`;
    this.#disk = `${directory}/disk`;
    this.storeFile = `${this.#disk}/linkgrant.db`;
    this.#offsetFile = `${directory}/clock-offset`;
    this.#collectedFile = `${directory}/collected`;
    this.place = ['--data-dir', this.dataDir, '--store', `sqlite:${this.storeFile}`];
    mkdirSync(this.#disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOMY}`, 'tmpfs', this.#disk]);
  }

  /** Starts the service, again and again until it serves, as a supervisor does. */
  async start(): Promise<void> {
    this.port ||= await freePort();
    const listen = ['--listen', `127.0.0.1:${this.port}`, '--log-level', 'silent'];
    const words = [...this.place, ...listen, '--workers', String(WORKERS), ...ENDPOINT];
    const env = {
      NODE_OPTIONS: `--require "${CLOCK}" --require "${COLLECT}"`,
      CLOCK_OFFSET_FILE: this.#offsetFile,
      BENCH_COLLECTED: this.#collectedFile,
    };
    const end = performance.now() + LIMIT_MS;
    const tryStart = () =>
      startServe(words, { env }).catch((error: unknown) => {
        if (performance.now() > end) throw error;
        return undefined;
      });
    let serving = await tryStart();
    while (!serving) {
      await sleep(POLL_MS);
      serving = await tryStart();
    }
    this.#serving = serving;
    serving.ended.then(
      ({ code, signal }) => {
        if (this.#serving === serving) this.ends.push(`the service ended with ${code ?? signal}`);
      },
      (error: unknown) => this.ends.push(String(error)),
    );
  }

  async stop(): Promise<void> {
    const serving = this.#serving;
    this.#serving = undefined;
    await serving?.stop();
  }

  /** The primary process of the service. */
  get #primary(): number {
    if (!this.#serving) throw new Error('the service does not run');
    return this.#serving.pid;
  }

  /** The processes of the service, the primary first. */
  get processes(): number[] {
    return [this.#primary, ...childrenOf(this.#primary)];
  }

  /** Kills the worker at this place in the list of workers. Resolves when another one has replaced it. */
  async killWorker(place: number): Promise<void> {
    const pid = childrenOf(this.#primary)[place % WORKERS];
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    await this.#haveWorkers(pid);
  }

  /** Kills the primary process alone or all processes, and starts the service again. */
  async kill(which: 'primary' | 'all'): Promise<void> {
    const [primary = 0, ...workers] = this.processes;
    const ended = this.#serving?.ended;
    this.#serving = undefined;
    for (const pid of which === 'all' ? [primary, ...workers] : [primary]) process.kill(pid, 'SIGKILL');
    // It resolves once the last worker has closed its standard error.
    await ended;
    await this.start();
  }

  /** Makes the disk full: as small as its files. */
  fillDisk(): void {
    for (let slack = 0; ; slack += 16) {
      const { bsize, blocks, bfree } = statfsSync(this.#disk);
      try {
        // Fails if the files have grown since.
        this.#resizeDisk(String((blocks - bfree + slack) * bsize));
        return;
      } catch (error) {
        if (slack > 4_096) throw error;
      }
    }
  }

  freeDisk(): void {
    this.#resizeDisk(ROOMY);
  }

  #resizeDisk(size: string): void {
    execFileSync('mount', ['-o', `remount,size=${size}`, this.#disk], { stdio: 'ignore' });
  }

  /** Sets the clock of all processes to `offsetMs` after the right time. */
  async setClock(offsetMs: number): Promise<void> {
    writeFileSync(this.#offsetFile, String(offsetMs));
    await this.#haveWorkers();
    const { said } = this.#serving as Serving;
    const moves = () => said.stderr.split('clock_moved').length - 1;
    const expected = moves() + this.processes.length;
    for (const pid of this.processes) process.kill(pid, 'SIGUSR2');
    await waitFor('all processes have the new time', () => moves() >= expected);
  }

  /** The resident memory of each worker after a garbage collection, in MiB. */
  async workerMemory(): Promise<number[]> {
    await this.#haveWorkers();
    const memory: number[] = [];
    for (const pid of childrenOf(this.#primary)) {
      rmSync(this.#collectedFile, { force: true });
      process.kill(pid, 'SIGUSR2');
      await waitFor('the garbage is collected', () => existsSync(this.#collectedFile));
      const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      memory.push(Number(kib) / 1024);
    }
    return memory;
  }

  /** Resolves when all workers run, without this one, and each process handles signals. */
  async #haveWorkers(without?: number): Promise<void> {
    await waitFor('all workers run', () => {
      const workers = childrenOf(this.#primary).filter((pid) => pid !== without && isAlive(pid));
      return workers.length === WORKERS && this.processes.every(handlesSignal);
    });
  }
}

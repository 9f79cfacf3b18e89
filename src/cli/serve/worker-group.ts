import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { CertificateTimes } from '../../admin/certificate-readiness.js';
import type { WorkerMetrics } from '../../admin/worker-metrics.js';
import { CommandError } from '../terminal/command-error.js';
import type { WorkerMessage, WorkerOrder } from './worker-message.js';

const RESTART_DELAY_MS = 1_000;
// A scrape waits no longer for a worker that is busy; what it told before then stands for it.
const TELLING_LIMIT_MS = 1_000;
// Four times as long as a worker that is alive is silent.
const SILENT_MS = 20_000;
const WORKER_LOST = { exitCode: 1, hint: 'what it wrote stands above' } as const;

/** The worker processes of this one: each that ends is replaced, until they are told to end. */
export class WorkerGroup {
  readonly #wanted: number;
  readonly #logger: Logger;
  readonly #serving = new Set<number>();
  readonly #heard = new Map<number, number>();
  readonly #metrics: WorkerMetrics;
  #ends: CertificateTimes | undefined;
  #stopping = false;
  /** How many ended unbidden. */
  ended = 0;

  /** Keeps what they count in `metrics`. */
  constructor(wanted: number, metrics: WorkerMetrics, logger: Logger) {
    this.#wanted = wanted;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** How many answer. */
  get serving(): number {
    return this.#serving.size;
  }

  /** Starts the workers; resolves with what the first one that serves says, rejects when one ends before that. */
  async start(): Promise<NonNullable<WorkerMessage['ready']>> {
    // Node's round-robin costs more for each connection than a whole handshake's system calls.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const first = new Promise<NonNullable<WorkerMessage['ready']>>((resolve, reject) => {
      cluster.on('message', (worker, message: WorkerMessage) => {
        this.#note(worker, message);
        if (message.ready) resolve(message.ready);
        if (!message.failed) return;
        reject(new CommandError(message.failed.message, message.failed));
        // Before the first one serves, the command itself ends with it.
        if (this.#ends) this.#logger.error({ event: 'worker_failed' }, message.failed.message);
      });
      cluster.once('exit', (_worker, code, signal) =>
        reject(
          new CommandError(`a worker ended before it served (${signal ?? `exit code ${code}`})`, WORKER_LOST),
        ),
      );
    });
    cluster.on('fork', (worker) => this.#heard.set(worker.id, performance.now()));
    cluster.on('exit', (worker) => {
      this.#serving.delete(worker.id);
      this.#heard.delete(worker.id);
      this.#metrics.forget(worker.id);
    });
    for (let worker = 0; worker < this.#wanted; worker += 1) cluster.fork();
    const ready = await first;
    cluster.on('exit', (worker, code, signal) => this.#replace(worker, code, signal));
    return ready;
  }

  /** When the certificates end that the service depends on, as a worker told last; known once one serves. */
  certificateTimes(): CertificateTimes {
    if (!this.#ends) throw new Error('no worker serves');
    return this.#ends;
  }

  /** Rejects, saying how many are missing, unless every worker answers. */
  async assertServing(): Promise<void> {
    if (this.serving < this.#wanted) throw new Error(`${this.serving} of ${this.#wanted} workers serve`);
  }

  /** False while a worker, also one that starts, has been silent for longer than one is that is alive. */
  isHeard(): boolean {
    return [...this.#heard.values()].every((at) => performance.now() - at < SILENT_MS);
  }

  /** What all workers counted, in Prometheus' text form. */
  async metrics(): Promise<string> {
    const asked = [...this.#serving].flatMap((id) => cluster.workers?.[id] ?? []);
    const over = new AbortController();
    const late = sleep(TELLING_LIMIT_MS, undefined, over).catch(() => undefined);
    const told = Promise.all(asked.map((worker) => askMetrics(worker, over.signal)));
    await Promise.race([told, late]);
    over.abort();
    return this.#metrics.text();
  }

  signal(signal: NodeJS.Signals): void {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill(signal);
  }

  /** Tells them to end; resolves when all have. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const workers = Object.values(cluster.workers ?? {});
    const ended = Promise.all(workers.map((worker) => worker && once(worker, 'exit')));
    this.signal('SIGTERM');
    await ended;
  }

  #note(worker: Worker, { ready, ends, metrics }: WorkerMessage): void {
    if (ready) this.#serving.add(worker.id);
    if (!worker.isDead()) this.#heard.set(worker.id, performance.now());
    this.#ends = ends ?? this.#ends;
    // What it had told last was folded in at its end.
    if (metrics && !worker.isDead()) this.#metrics.note(worker.id, metrics);
  }

  #replace(worker: Worker, code: number | null, signal: string | null): void {
    if (this.#stopping) return;
    this.ended += 1;
    this.#logger.error(
      { event: 'worker_ended', worker: worker.id, code, signal },
      'a worker ended; another one follows',
    );
    setTimeout(() => !this.#stopping && cluster.fork(), RESTART_DELAY_MS);
  }
}

/** Asks a worker for its metrics; resolves when it told them, ended, or the signal came. */
async function askMetrics(worker: Worker, signal: AbortSignal): Promise<void> {
  const order: WorkerOrder = { tellMetrics: true };
  // One that has just ended takes no order, and tells its end by itself.
  worker.send(order, () => undefined);
  await new Promise<void>((resolve) => {
    const settle = () => {
      worker.off('message', onMessage);
      worker.off('exit', settle);
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const onMessage = (message: WorkerMessage) => message.metrics && settle();
    worker.on('message', onMessage);
    worker.once('exit', settle);
    signal.addEventListener('abort', settle);
  });
}

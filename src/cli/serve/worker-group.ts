import cluster, { type Worker } from 'node:cluster';
import { on, once } from 'node:events';
import { isSea } from 'node:sea';
import type { Logger } from 'pino';
import type { CertificateTimes } from '../../admin/certificate-readiness.js';
import type { WorkerMetrics } from '../../admin/worker-metrics.js';
import { CommandError } from '../terminal/command-error.js';
import type { WorkerMessage } from './worker-message.js';

const RESTART_DELAY_MS = 1_000;
// Four times the interval at which a worker reports.
const SILENT_MS = 20_000;
const WORKER_LOST = { exitCode: 1, hint: 'its output is above' } as const;

/** The worker processes of this process. A worker that ends is replaced, until `stop`. */
export class WorkerGroup {
  readonly #wanted: number;
  readonly #logger: Logger;
  readonly #serving = new Set<number>();
  readonly #lastReports = new Map<number, number>();
  readonly #metrics: WorkerMetrics;
  #certificateTimes: CertificateTimes | undefined;
  #stopping = false;
  /** Number of workers that ended without being stopped. */
  ended = 0;

  /** `wanted` is the number of workers; `metrics` collects their metrics. */
  constructor(wanted: number, metrics: WorkerMetrics, logger: Logger) {
    this.#wanted = wanted;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Number of workers that serve. */
  get serving(): number {
    return this.#serving.size;
  }

  /** Starts the workers. Resolves with the message of the first one that serves. Rejects if a worker ends before that. */
  async start(): Promise<NonNullable<WorkerMessage['ready']>> {
    // Node's round-robin costs more for each connection than all system calls of a handshake.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    // Node starts a worker with the script and its arguments. A single executable has no script, so `exec` is its first argument.
    if (isSea()) cluster.setupPrimary({ exec: process.argv[2], args: process.argv.slice(3) });
    const first = new Promise<NonNullable<WorkerMessage['ready']>>((resolve, reject) => {
      cluster.on('message', (worker, message: WorkerMessage) => {
        this.#onMessage(worker, message);
        if (message.ready) resolve(message.ready);
        if (!message.failed) return;
        reject(new CommandError(message.failed.message, message.failed));
        // A failure before the first worker serves rejects `first`, which is reported.
        if (this.#certificateTimes) this.#logger.error({ event: 'worker_failed' }, message.failed.message);
      });
      cluster.once('exit', (_worker, code, signal) =>
        reject(
          new CommandError(`a worker ended before it served (${signal ?? `exit code ${code}`})`, WORKER_LOST),
        ),
      );
    });
    cluster.on('fork', (worker) => this.#lastReports.set(worker.id, performance.now()));
    cluster.on('exit', (worker) => {
      this.#serving.delete(worker.id);
      this.#lastReports.delete(worker.id);
      this.#metrics.remove(worker.id);
    });
    for (let worker = 0; worker < this.#wanted; worker += 1) cluster.fork();
    const ready = await first;
    cluster.on('exit', (worker, code, signal) => this.#replace(worker, code, signal));
    return ready;
  }

  /** Returns the validity of the service's certificates in the last report of a worker. Throws before one serves. */
  certificateTimes(): CertificateTimes {
    if (!this.#certificateTimes) throw new Error('no worker serves');
    return this.#certificateTimes;
  }

  /** Rejects with the number of serving workers unless all serve. */
  async assertServing(): Promise<void> {
    if (this.serving < this.#wanted) throw new Error(`${this.serving} of ${this.#wanted} workers serve`);
  }

  /** Returns false if a worker has not reported for SILENT_MS; a starting worker counts from its start. */
  haveReported(): boolean {
    return [...this.#lastReports.values()].every((at) => performance.now() - at < SILENT_MS);
  }

  /** Returns the metrics that the workers reported last, in Prometheus' text format. */
  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  /**
   * Makes the serving workers read their certificates again; SIGHUP would end a worker that is still starting. Resolves when
   * each serving worker has read them or has ended.
   */
  async reload(): Promise<void> {
    const workers = [...this.#serving].flatMap((id) => cluster.workers?.[id] ?? []);
    await Promise.allSettled(workers.map(requestReload));
  }

  /** Stops the workers. Resolves when all have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const workers = Object.values(cluster.workers ?? {});
    const ended = Promise.all(workers.map((worker) => worker && once(worker, 'exit')));
    for (const worker of workers) worker?.process.kill('SIGTERM');
    await ended;
  }

  #onMessage(worker: Worker, { ready, certificateTimes, metrics }: WorkerMessage): void {
    this.#certificateTimes = certificateTimes ?? this.#certificateTimes;
    // A late message: the worker serves no more, and `remove` has already added its counts.
    if (worker.isDead()) return;
    if (ready) this.#serving.add(worker.id);
    this.#lastReports.set(worker.id, performance.now());
    if (metrics) this.#metrics.update(worker.id, metrics);
  }

  #replace(worker: Worker, code: number | null, signal: string | null): void {
    if (this.#stopping) return;
    this.ended += 1;
    this.#logger.error(
      { event: 'worker_ended', worker: worker.id, code, signal },
      'a worker ended and is replaced',
    );
    setTimeout(() => !this.#stopping && cluster.fork(), RESTART_DELAY_MS);
  }
}

/** Makes a worker read its certificates again. Resolves when it has done so or has ended. */
async function requestReload(worker: Worker): Promise<void> {
  const messages = on(worker, 'message', { close: ['exit'] });
  worker.process.kill('SIGHUP');
  for await (const [message] of messages) {
    if ((message as WorkerMessage).reloaded) return;
  }
}

import type { Logger } from 'pino';
import type { AcceptQueueMonitor } from './accept-queue.js';

/**
 * The load that a process accepts; beyond one of the limits it refuses requests. A client times out after 10 s and retries after
 * 30 s.
 */
export interface AdmissionLimits {
  readonly inFlight: number;
  /** Maximum wait of new connections for acceptance, in milliseconds. */
  readonly waitMs: number;
}

/** The limits of the service: 500 sites are served at once, and an admitted request is answered within about two seconds. */
export const ADMISSION_LIMITS: AdmissionLimits = { inFlight: 750, waitMs: 2_000 };

const REPORT_INTERVAL_MS = 60_000;

/** Refuses requests while the process has more than it can answer soon. */
export class Admission {
  readonly #queue: Pick<AcceptQueueMonitor, 'waitMs'>;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #limits: AdmissionLimits;
  #inFlight = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(
    queue: Pick<AcceptQueueMonitor, 'waitMs'>,
    logger: Pick<Logger, 'warn'>,
    limits = ADMISSION_LIMITS,
  ) {
    this.#queue = queue;
    this.#logger = logger;
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Runs `work`, or returns undefined if the request is refused. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#isOverloaded()) {
      this.#report();
      return undefined;
    }
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
    }
  }

  #isOverloaded(): boolean {
    return this.#inFlight >= this.#limits.inFlight || this.#queue.waitMs > this.#limits.waitMs;
  }

  #report(): void {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#reportedAt = now;
    this.#logger.warn(
      { event: 'overloaded', inFlight: this.#inFlight, connectionWaitMs: Math.round(this.#queue.waitMs) },
      'the service is overloaded and refuses requests',
    );
  }
}

import type { Logger } from 'pino';
import type { AcceptQueue } from './accept-queue.js';

/** Limits above which a process refuses requests. A client times out after 10 s and retries after 30 s. */
export interface AdmissionLimits {
  /** Requests in progress. */
  readonly inFlight: number;
  /** Wait of new connections for acceptance, in milliseconds. */
  readonly waitMs: number;
  /** With up to this many connections the wait is ignored, because it has another cause than load. */
  readonly minConnections: number;
}

/** The limits of the service: 500 sites are served at once, and an admitted request is answered within about two seconds. */
export const ADMISSION_LIMITS: AdmissionLimits = { inFlight: 750, waitMs: 2_000, minConnections: 100 };

const REPORT_INTERVAL_MS = 60_000;

/** Refuses requests while the process has more than it can answer soon. */
export class Admission {
  readonly #queue: Pick<AcceptQueue, 'waitMs' | 'acceptedSinceEmpty'>;
  readonly #logger: Pick<Logger, 'warn'>;
  readonly #limits: AdmissionLimits;
  #inFlight = 0;
  #refused = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(
    queue: Pick<AcceptQueue, 'waitMs' | 'acceptedSinceEmpty'>,
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

  /** How many requests were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** Runs `work`, or returns undefined if the request is refused. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#isOverloaded()) {
      this.#refused += 1;
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
    const { inFlight, waitMs, minConnections } = this.#limits;
    const { acceptedSinceEmpty, waitMs: wait } = this.#queue;
    return this.#inFlight >= inFlight || (acceptedSinceEmpty > minConnections && wait > waitMs);
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

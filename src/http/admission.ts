import type { AcceptQueue } from './accept-queue.js';
import type { ConnectionTable } from './connection-table.js';
import type { LoopDelay } from './loop-delay.js';

/** Limits above which a process sheds load. A client times out after 10 s and retries after 30 s. */
export interface AdmissionLimits {
  /** Requests in progress above which no certificate is issued; each takes a few milliseconds of CPU. */
  readonly issuing: number;
  /** Requests in progress above which every request is refused. */
  readonly inFlight: number;
  /** With up to this many connections, delays and waits are ignored, because they have another cause than load. */
  readonly minConnections: number;
  /** Delay of the event loop, in milliseconds, above which no certificate is issued. */
  readonly issuingDelayMs: number;
  /** Delay of the event loop, in milliseconds, above which new connections are closed before their handshake. */
  readonly connectionDelayMs: number;
  /** Wait for acceptance, in milliseconds, above which no certificate is issued. */
  readonly issuingWaitMs: number;
  /** Wait for acceptance, in milliseconds, above which every request is refused. */
  readonly inFlightWaitMs: number;
  /** Wait for acceptance, in milliseconds, above which new connections are closed before their handshake. */
  readonly connectionWaitMs: number;
}

/** The limits of the service: 500 sites are served at once, and an admitted request is answered within about two seconds. */
export const ADMISSION_LIMITS: AdmissionLimits = {
  issuing: 750,
  inFlight: 1_500,
  minConnections: 100,
  issuingDelayMs: 300,
  connectionDelayMs: 1_000,
  issuingWaitMs: 2_000,
  inFlightWaitMs: 3_000,
  connectionWaitMs: 5_000,
};

/**
 * Sheds load in stages: first requests that would issue a certificate, so that replays are still answered; then every
 * request; then connections before their handshake.
 */
export class Admission {
  readonly #delay: Pick<LoopDelay, 'sustainedMs'>;
  readonly #connections: Pick<ConnectionTable, 'size'>;
  readonly #queue: Pick<AcceptQueue, 'waitMs' | 'acceptedSinceEmpty'>;
  readonly #limits: AdmissionLimits;
  #inFlight = 0;
  #shed = { issue: 0, request: 0 };

  constructor(
    delay: Pick<LoopDelay, 'sustainedMs'>,
    connections: Pick<ConnectionTable, 'size'>,
    queue: Pick<AcceptQueue, 'waitMs' | 'acceptedSinceEmpty'>,
    limits = ADMISSION_LIMITS,
  ) {
    this.#delay = delay;
    this.#connections = connections;
    this.#queue = queue;
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many requests were shed so far, by stage. */
  get shed(): Readonly<Record<'issue' | 'request', number>> {
    return this.#shed;
  }

  /** Runs `work`, or returns undefined if the request is shed. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { inFlight, inFlightWaitMs } = this.#limits;
    if (this.#inFlight >= inFlight || this.#isWaitAbove(inFlightWaitMs)) {
      this.#shed.request += 1;
      return undefined;
    }
    this.#inFlight += 1;
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** True if a certificate may be issued; false counts the request as shed. */
  mayIssue(): boolean {
    const { issuing, issuingDelayMs, issuingWaitMs } = this.#limits;
    const isBusy =
      this.#inFlight > issuing || this.#isDelayAbove(issuingDelayMs) || this.#isWaitAbove(issuingWaitMs);
    if (!isBusy) return true;
    this.#shed.issue += 1;
    return false;
  }

  /** True if new connections may be accepted. */
  mayConnect(): boolean {
    const { connectionDelayMs, connectionWaitMs } = this.#limits;
    return !this.#isDelayAbove(connectionDelayMs) && !this.#isWaitAbove(connectionWaitMs);
  }

  #isDelayAbove(maxMs: number): boolean {
    return this.#connections.size > this.#limits.minConnections && this.#delay.sustainedMs > maxMs;
  }

  #isWaitAbove(maxMs: number): boolean {
    return this.#queue.acceptedSinceEmpty > this.#limits.minConnections && this.#queue.waitMs > maxMs;
  }
}

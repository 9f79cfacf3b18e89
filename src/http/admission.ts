import type { AcceptQueue } from './accept-queue.js';
import type { ConnectionTable } from './connection-table.js';
import type { LoopDelay } from './loop-delay.js';

/** When a process takes on no more. A client gives up after 10 s, and comes back by itself after 30. */
export interface AdmissionLimits {
  /** Requests under way beyond which no certificate is issued any more; each is a few milliseconds of work. */
  readonly issuing: number;
  /** Requests under way beyond which nothing is looked at any more. */
  readonly inFlight: number;
  /** Connections, open or taken without a pause, for which nobody is turned away: others make the machine slow. */
  readonly few: number;
  /** Delay of the event loop, in milliseconds, beyond which no certificate is issued. */
  readonly issuingDelayMs: number;
  /** Delay of the event loop, in milliseconds, beyond which not even a connection is taken: its handshake is work too. */
  readonly connectionDelayMs: number;
  /** How long connections wait to be taken, in milliseconds, when no certificate is issued any more. */
  readonly issuingWaitMs: number;
  /** How long they wait when nothing is looked at any more. */
  readonly inFlightWaitMs: number;
  /** How long they wait when all that wait are closed. */
  readonly connectionWaitMs: number;
}

// Five hundred sites that come at the same moment are served; what is let in is answered within about two seconds.
export const ADMISSION_LIMITS: AdmissionLimits = {
  issuing: 750,
  inFlight: 1_500,
  few: 100,
  issuingDelayMs: 300,
  connectionDelayMs: 1_000,
  issuingWaitMs: 2_000,
  inFlightWaitMs: 3_000,
  connectionWaitMs: 5_000,
};

/**
 * Sheds load in the order of what it costs to come back: first what would issue a certificate, so that what was committed
 * is still answered again, then every request, and connections before their handshake.
 */
export class Admission {
  readonly #delay: Pick<LoopDelay, 'sustainedMs'>;
  readonly #connections: Pick<ConnectionTable, 'size'>;
  readonly #queue: Pick<AcceptQueue, 'waitMs' | 'length'>;
  readonly #limits: AdmissionLimits;
  #inFlight = 0;
  #shed = { issue: 0, request: 0 };

  constructor(
    delay: Pick<LoopDelay, 'sustainedMs'>,
    connections: Pick<ConnectionTable, 'size'>,
    queue: Pick<AcceptQueue, 'waitMs' | 'length'>,
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

  /** How much was shed so far, by where. */
  get shed(): Readonly<Record<'issue' | 'request', number>> {
    return this.#shed;
  }

  /** Does `work` if there is room for it; undefined when there is none. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { inFlight, inFlightWaitMs } = this.#limits;
    if (this.#inFlight >= inFlight || this.#isBeyond(inFlightWaitMs)) {
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

  /** True while a certificate may be issued; a false answer counts as one that was shed. */
  mayIssue(): boolean {
    const { issuing, issuingDelayMs, issuingWaitMs } = this.#limits;
    const isBusy = this.#inFlight > issuing || this.#isLate(issuingDelayMs) || this.#isBeyond(issuingWaitMs);
    if (!isBusy) return true;
    this.#shed.issue += 1;
    return false;
  }

  /** True while connections may be taken. */
  mayConnect(): boolean {
    const { connectionDelayMs, connectionWaitMs } = this.#limits;
    return !this.#isLate(connectionDelayMs) && !this.#isBeyond(connectionWaitMs);
  }

  #isLate(mostMs: number): boolean {
    return this.#connections.size > this.#limits.few && this.#delay.sustainedMs > mostMs;
  }

  #isBeyond(mostMs: number): boolean {
    return this.#queue.length > this.#limits.few && this.#queue.waitMs > mostMs;
  }
}

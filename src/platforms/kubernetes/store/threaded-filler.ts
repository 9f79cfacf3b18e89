import { Worker } from 'node:worker_threads';
import { ApiError } from '../api/api-error.js';
import { type ClusterAccess, type ClusterOptions, portableAccess } from '../api/cluster-access.js';
import {
  type AccessGiven,
  type AccessWanted,
  receivedFailure,
  type SentOrder,
  type SentOutcome,
  sentFailure,
} from './filler-orders.js';
import type { FillOrder, FillOutcome, SlotFiller } from './slot-filler.js';

const THREAD = new URL('./filler-thread.js', import.meta.url);

interface Sent {
  readonly settle: (outcome: FillOutcome) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Fills slots in a thread of its own, with a client of its own. One slot of a grant is filled after the other, each as soon as
 * the one before it is: where that waits for whatever else a busy process does at the moment, a grant that many redeem at once
 * takes half as long again. The access stays the caller's; the options are those that it was opened with.
 */
export class ThreadedFiller implements SlotFiller {
  readonly #access: Pick<ClusterAccess, 'current'>;
  readonly #options: ClusterOptions;
  readonly #sent = new Map<number, Sent>();
  #numbers = 0;
  #thread: Worker | undefined;

  constructor(access: Pick<ClusterAccess, 'current'>, { kubeconfig, context }: ClusterOptions) {
    this.#access = access;
    this.#options = { kubeconfig, context };
    this.#thread = this.#start();
  }

  fill(order: FillOrder): Promise<FillOutcome> {
    this.#numbers += 1;
    const number = this.#numbers;
    const message: SentOrder = { number, order, sentAt: process.hrtime.bigint() };
    return new Promise((settle, fail) => {
      try {
        this.#thread ??= this.#start();
        this.#thread.postMessage(message);
        this.#sent.set(number, { settle, fail });
      } catch (cause) {
        fail(lost(false, cause));
      }
    });
  }

  /** Ends the thread; what it is at rejects. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  async #give(thread: Worker, { asked, again }: AccessWanted): Promise<void> {
    let given: AccessGiven;
    try {
      given = { asked, access: portableAccess(await this.#access.current(again)) };
    } catch (error) {
      given = { asked, failure: sentFailure(error) };
    }
    thread.postMessage(given);
  }

  #start(): Worker {
    const thread = new Worker(THREAD, { workerData: this.#options, name: 'slot-filler' });
    thread.on('message', (told: SentOutcome | AccessWanted) => {
      if ('again' in told) {
        void this.#give(thread, told);
        return;
      }
      const sent = this.#sent.get(told.number);
      this.#sent.delete(told.number);
      if ('outcome' in told) sent?.settle(told.outcome);
      else sent?.fail(receivedFailure(told.failure));
    });
    thread.on('error', (cause) => this.#lose(thread, cause));
    thread.once('exit', () => this.#lose(thread));
    return thread;
  }

  /** What a thread that is gone was at may have been done or not; the next order has another one started. */
  #lose(thread: Worker, cause?: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    for (const { fail } of sent) fail(lost(true, cause));
  }
}

function lost(outcomeUnknown: boolean, cause: unknown): ApiError {
  return new ApiError('create redemptions', { reason: 'unavailable', outcomeUnknown }, { cause });
}

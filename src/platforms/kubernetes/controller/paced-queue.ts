import { FairQueue } from './fair-queue.js';

/**
 * Passes on distinct keys `namespace/name` one at a time at a fixed rate, with the namespaces in rotation. However many keys are
 * added, and however often, the work on them takes a limited share of the time.
 */
export class PacedQueue {
  readonly #keys = new FairQueue(1);
  readonly #everyMs: number;
  readonly #onTurn: (key: string) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `onTurn` is called with one key in `everyMs` milliseconds. */
  constructor(everyMs: number, onTurn: (key: string) => void) {
    this.#everyMs = everyMs;
    this.#onTurn = onTurn;
  }

  /** Adds a key; without effect if it waits already. */
  add(key: string): void {
    this.#keys.add(key);
    this.#timer ??= this.#startTimer();
  }

  #startTimer(): NodeJS.Timeout {
    return setTimeout(() => this.#next(), this.#everyMs).unref();
  }

  #next(): void {
    const key = this.#keys.dequeue();
    this.#timer = key === undefined ? undefined : this.#startTimer();
    if (key === undefined) return;
    this.#keys.release(key);
    this.#onTurn(key);
  }
}

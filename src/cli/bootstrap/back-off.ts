const FIRST_MS = 250;
const FACTOR = 1.7;
const LONGEST_MS = 3_000;

/** Waiting times between tries, in milliseconds: growing from the first to the longest, each shortened by up to half at random. */
export class BackOff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  #next: number;

  constructor({ firstMs = FIRST_MS, longestMs = LONGEST_MS } = {}) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#next = firstMs;
  }

  next(): number {
    const full = this.#next;
    this.#next = Math.min(this.#longestMs, full * FACTOR);
    // Machines that start together are not to come back together.
    return full * (0.5 + Math.random() / 2);
  }

  /** Begins anew: what is waited for now is something else. */
  reset(): void {
    this.#next = this.#firstMs;
  }
}

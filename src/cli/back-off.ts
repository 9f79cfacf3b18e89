const FIRST_MS = 250;
const FACTOR = 1.7;
const LONGEST_MS = 3_000;

/** Waiting times between tries, in milliseconds: growing from a quarter of a second to 3 s, each shortened by up to half at random. */
export class BackOff {
  #next = FIRST_MS;

  next(): number {
    const full = this.#next;
    this.#next = Math.min(LONGEST_MS, full * FACTOR);
    // Machines that start together are not to come back together.
    return full * (0.5 + Math.random() / 2);
  }

  /** Begins anew: what is waited for now is something else. */
  reset(): void {
    this.#next = FIRST_MS;
  }
}

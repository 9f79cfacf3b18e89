interface Pausing {
  readonly timer: NodeJS.Timeout;
  again: boolean;
}

/** How long a key is delayed after it was passed on, in milliseconds. */
export interface RateIntervals {
  /** Minimum. */
  readonly shortest: number;
  /** Added for each delayed key, so that at most one key is passed on in this time. */
  readonly each: number;
  /** Maximum. */
  readonly longest: number;
}

/** Passes a key on at once. Further additions during the following interval are passed on as one, at its end. */
export class RateLimiter {
  readonly #pass: (key: string) => void;
  readonly #intervals: RateIntervals;
  readonly #pausing = new Map<string, Pausing>();

  constructor(pass: (key: string) => void, intervals: RateIntervals) {
    this.#pass = pass;
    this.#intervals = intervals;
  }

  /** Passes the key on, now or at the end of its interval. */
  add(key: string): void {
    const pausing = this.#pausing.get(key);
    if (pausing) {
      pausing.again = true;
      return;
    }
    const { shortest, each, longest } = this.#intervals;
    const intervalMs = Math.min(longest, Math.max(shortest, each * this.#pausing.size));
    const timer = setTimeout(() => this.#end(key), intervalMs).unref();
    this.#pausing.set(key, { timer, again: false });
    this.#pass(key);
  }

  /** Ends all intervals; keys that wait are not passed on. */
  close(): void {
    for (const { timer } of this.#pausing.values()) clearTimeout(timer);
    this.#pausing.clear();
  }

  #end(key: string): void {
    const again = this.#pausing.get(key)?.again ?? false;
    this.#pausing.delete(key);
    if (again) this.add(key);
  }
}

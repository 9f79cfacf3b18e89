interface RunningInterval {
  readonly timer: NodeJS.Timeout;
  wasAddedAgain: boolean;
}

/**
 * The interval after a key was passed on, in milliseconds: `each` times the number of running intervals, but at least
 * `shortest` and at most `longest`. So on average at most one key is passed on every `each` milliseconds, unless `longest` limits
 * the interval.
 */
export interface RateIntervals {
  readonly shortest: number;
  readonly each: number;
  readonly longest: number;
}

/** Passes a key on at once. Further additions during the following interval are passed on as one, at its end. */
export class RateLimiter {
  readonly #pass: (key: string) => void;
  readonly #intervals: RateIntervals;
  readonly #running = new Map<string, RunningInterval>();

  constructor(pass: (key: string) => void, intervals: RateIntervals) {
    this.#pass = pass;
    this.#intervals = intervals;
  }

  /** Passes the key on, now or at the end of its interval. */
  add(key: string): void {
    const running = this.#running.get(key);
    if (running) {
      running.wasAddedAgain = true;
      return;
    }
    const { shortest, each, longest } = this.#intervals;
    const intervalMs = Math.min(longest, Math.max(shortest, each * this.#running.size));
    const timer = setTimeout(() => this.#end(key), intervalMs).unref();
    this.#running.set(key, { timer, wasAddedAgain: false });
    this.#pass(key);
  }

  /** Ends all intervals; keys that wait are not passed on. */
  close(): void {
    for (const { timer } of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }

  #end(key: string): void {
    const again = this.#running.get(key)?.wasAddedAgain ?? false;
    this.#running.delete(key);
    if (again) this.add(key);
  }
}

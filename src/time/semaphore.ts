/** Runs at most `limit` operations at a time; the others wait in the order in which they arrived. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(limit: number) {
    this.#free = limit;
  }

  /** True if an operation can start at once, or if fewer than `maxWaiting` operations wait. */
  hasRoom(maxWaiting: number): boolean {
    return this.#free > 0 || this.#waiting.length < maxWaiting;
  }

  /** Runs `operation` as soon as it is its turn. Resolves or rejects as `operation` does. */
  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((start) => this.#waiting.push(start));
    try {
      return await operation();
    } finally {
      // The place passes to the next operation without becoming free, so that no later one overtakes the queue.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

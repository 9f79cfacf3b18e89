interface StartedRead<T> {
  readonly startedAt: number;
  readonly ended: Promise<unknown>;
  /** Undefined after the read has failed or its value was dropped. */
  value: Promise<T> | undefined;
}

/** Options of {@link SharedRead}. */
export interface SharedReadOptions {
  /** Minimum time between the starts of two reads, in milliseconds; 0 if absent. */
  readonly intervalMs?: number;
  /** Drops each value after its delivery, because it is secret or large. */
  readonly dropsValues?: boolean;
}

/**
 * A read that many callers share; one read runs at a time. A caller gets the value of the last read, running or ended, if that
 * started after the requested moment. Otherwise it shares the next read, which starts when the running one has ended.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>;
  readonly #options: SharedReadOptions;
  #last: StartedRead<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>, options: SharedReadOptions = {}) {
    this.#read = read;
    this.#options = options;
  }

  /** Returns the value of a read that starts after `moment`, a time of `performance.now()`; the current time if absent. */
  readAfter(moment = performance.now()): Promise<T> {
    if (this.#last?.value && this.#last.startedAt > moment) return this.#last.value;
    if (this.#last) this.#next ??= this.#startAfter(this.#last);
    return this.#next ?? this.#start();
  }

  /** Drops the value of the last read; later callers start a new one. */
  dropValue(): void {
    if (this.#last) this.#last.value = undefined;
  }

  async #startAfter({ startedAt, ended }: StartedRead<T>): Promise<T> {
    await ended;
    const waitMs = startedAt + (this.#options.intervalMs ?? 0) - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    return this.#start();
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const startedAt = performance.now();
    const value = this.#read();
    const drop = () => {
      last.value = undefined;
    };
    const ended = value.then(this.#options.dropsValues ? drop : () => undefined, drop);
    const last: StartedRead<T> = { startedAt, ended, value };
    this.#last = last;
    return value;
  }
}

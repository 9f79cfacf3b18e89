interface Begun<T> {
  readonly began: number;
  readonly isShared: boolean;
  readonly ended: Promise<unknown>;
  /** Undefined once it is not needed any more. */
  value: Promise<T> | undefined;
}

export interface LiveReadOptions {
  /** After a read that several shared, the next begins that many milliseconds after that one began; 0 when absent. */
  readonly restMs?: number;
  /** Lets go of what was read once it was told, for what is secret or large: then nobody asks for an earlier moment. */
  readonly isForgotten?: boolean;
}

/**
 * One thing that many want to read at once: there is one read at a time, and nobody is told what was true before they asked.
 * A burst costs two reads, and a steady stream no more than one in the time that a read rests after one that was shared. Who
 * asks alone waits for nothing.
 */
export class LiveRead<T> {
  readonly #read: () => Promise<T>;
  readonly #options: LiveReadOptions;
  #last: Begun<T> | undefined;
  #next: Promise<T> | undefined;
  /** How many wait for the next one. */
  #waiting = 0;

  constructor(read: () => Promise<T>, options: LiveReadOptions = {}) {
    this.#read = read;
    this.#options = options;
  }

  /** What a read finds that began later than `moment` (as `performance.now()` tells it; now when absent). */
  since(moment = performance.now()): Promise<T> {
    if (this.#last?.value && this.#last.began > moment) return this.#last.value;
    this.#waiting += 1;
    // One that begins when the last one has ended will do for everyone who asks until then.
    if (this.#last) this.#next ??= this.#after(this.#last);
    return this.#next ?? this.#begin();
  }

  async #after({ began, isShared, ended }: Begun<T>): Promise<T> {
    await ended;
    const { restMs = 0 } = this.#options;
    const rest = isShared ? began + restMs - performance.now() : 0;
    if (rest > 0) await new Promise((end) => setTimeout(end, rest));
    return this.#begin();
  }

  #begin(): Promise<T> {
    const isShared = this.#waiting > 1;
    this.#next = undefined;
    this.#waiting = 0;
    const began = performance.now();
    const value = this.#read();
    const forget = () => {
      last.value = undefined;
    };
    const ended = value.then(this.#options.isForgotten ? forget : () => undefined, forget);
    const last: Begun<T> = { began, isShared, ended, value };
    this.#last = last;
    return value;
  }
}

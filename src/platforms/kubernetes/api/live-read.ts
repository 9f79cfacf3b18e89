interface Begun<T> {
  readonly began: number;
  readonly isShared: boolean;
  readonly ended: Promise<unknown>;
  /** Undefined once it is not needed any more. */
  value: Promise<T> | undefined;
}

export interface LiveReadOptions {
  /** After a read that several shared the next begins that many milliseconds after that one began; 0 when absent. */
  readonly restMs?: number;
  /** The next begins sooner when so many wait for it; never for that when absent. */
  readonly crowd?: number;
  /** But no sooner than so many milliseconds after a read that several shared began; 0 when absent. */
  readonly leastMs?: number;
  /** Lets go of what was read once it was told, for what is secret or large: then nobody asks for an earlier moment. */
  readonly isForgotten?: boolean;
}

/**
 * One thing that many want to read at once: there is one read at a time, and nobody is told what was true before they asked.
 * A burst costs two reads, and a steady stream no more than one in the time that a read rests after one that was shared, or one
 * for each crowd. Who always asks alone waits for nothing, unless they say that they can.
 */
export class LiveRead<T> {
  readonly #read: () => Promise<T>;
  readonly #options: LiveReadOptions;
  #last: Begun<T> | undefined;
  #next: Promise<T> | undefined;
  /** How many wait for the next one, and how long the least patient of them lets the last one rest. */
  #waiting = 0;
  #patienceMs = Number.POSITIVE_INFINITY;
  /** Ends the rest, if it may end. */
  #endRest: (() => void) | undefined;

  constructor(read: () => Promise<T>, options: LiveReadOptions = {}) {
    this.#read = read;
    this.#options = options;
  }

  /**
   * What a read finds that began later than `moment` (as `performance.now()` tells it; now when absent). Who has `patienceMs`
   * lets the last one rest for so long after it began, whoever shared that.
   */
  since(moment = performance.now(), patienceMs = 0): Promise<T> {
    if (this.#last?.value && this.#last.began > moment) return this.#last.value;
    this.#waiting += 1;
    this.#patienceMs = Math.min(this.#patienceMs, patienceMs);
    this.#endRest?.();
    // One that begins when the last one has ended will do for everyone who asks until then.
    if (this.#last) this.#next ??= this.#after(this.#last);
    return this.#next ?? this.#begin();
  }

  async #after(last: Begun<T>): Promise<T> {
    await last.ended;
    for (;;) {
      const until = this.#restsUntil(last);
      const restMs = until - performance.now();
      if (restMs <= 0) break;
      await new Promise<void>((end) => {
        const timer = setTimeout(end, restMs);
        this.#endRest = () => {
          if (this.#restsUntil(last) >= until) return;
          clearTimeout(timer);
          end();
        };
      });
    }
    this.#endRest = undefined;
    return this.#begin();
  }

  /** Until when those who wait let the last read rest. */
  #restsUntil({ began, isShared }: Begun<T>): number {
    const { restMs = 0, crowd = Number.POSITIVE_INFINITY, leastMs = 0 } = this.#options;
    if (this.#waiting >= crowd) return began + (isShared ? leastMs : 0);
    return began + Math.max(isShared ? restMs : 0, this.#patienceMs);
  }

  #begin(): Promise<T> {
    const isShared = this.#waiting > 1;
    this.#next = undefined;
    this.#waiting = 0;
    this.#patienceMs = Number.POSITIVE_INFINITY;
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

interface Begun<T> {
  readonly began: number;
  readonly value: Promise<T>;
  readonly isShared: boolean;
}

/**
 * One thing that many want to read at once: there is one read at a time, and nobody is told what was true before they asked.
 * A burst costs two reads, and a steady stream no more than one in the time that a read rests after one that was shared. Who
 * asks alone waits for nothing.
 */
export class LiveRead<T> {
  readonly #read: () => Promise<T>;
  readonly #restMs: number;
  #last: Begun<T> | undefined;
  #next: Promise<T> | undefined;
  /** Who waits for the next one. */
  #waiting = 0;

  /** After a read that several shared, the next begins `restMs` milliseconds after that one began. */
  constructor(read: () => Promise<T>, restMs = 0) {
    this.#read = read;
    this.#restMs = restMs;
  }

  /** What a read finds that began later than `moment` (as `performance.now()` tells it; now when absent). */
  since(moment = performance.now()): Promise<T> {
    if (this.#last && this.#last.began > moment) return this.#last.value;
    this.#waiting += 1;
    // One that begins when the last one has ended will do for everyone who asks until then.
    if (this.#last) this.#next ??= this.#after(this.#last);
    return this.#next ?? this.#begin();
  }

  async #after({ began, value, isShared }: Begun<T>): Promise<T> {
    await value.catch(() => undefined);
    const rest = isShared ? began + this.#restMs - performance.now() : 0;
    if (rest > 0) await new Promise((end) => setTimeout(end, rest));
    return this.#begin();
  }

  #begin(): Promise<T> {
    const isShared = this.#waiting > 1;
    this.#next = undefined;
    this.#waiting = 0;
    const last = { began: performance.now(), value: this.#read(), isShared };
    this.#last = last;
    last.value.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return last.value;
  }
}

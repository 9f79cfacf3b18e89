interface Begun<T> {
  readonly began: number;
  readonly isShared: boolean;
  readonly ended: Promise<unknown>;
  /** Undefined once it is not needed any more. */
  value: Promise<T> | undefined;
}

export interface LiveReadOptions {
  /**
   * After a read that several shared, and for those who are patient after every read, the next begins that many milliseconds
   * after that one began; 0 when absent.
   */
  readonly restMs?: number;
  /** The next begins at once when so many wait for it; never for that when absent. */
  readonly crowd?: number;
  /** Lets go of what was read once it was told, for what is secret or large: then nobody asks for an earlier moment. */
  readonly isForgotten?: boolean;
}

/**
 * One thing that many want to read at once: there is one read at a time, and nobody is told what was true before they asked.
 * A burst costs two reads, and a steady stream no more than one in the time that a read rests after one that was shared, or one
 * for each crowd. Who always asks alone waits for nothing.
 */
export class LiveRead<T> {
  readonly #read: () => Promise<T>;
  readonly #options: LiveReadOptions;
  #last: Begun<T> | undefined;
  #next: Promise<T> | undefined;
  /** How many wait for the next one. */
  #waiting = 0;
  /** Whether one of them is not patient. */
  #isHurried = false;
  /** Ends the rest, if it may end. */
  #endRest: (() => void) | undefined;

  constructor(read: () => Promise<T>, options: LiveReadOptions = {}) {
    this.#read = read;
    this.#options = options;
  }

  /**
   * What a read finds that began later than `moment` (as `performance.now()` tells it; now when absent). Who is patient lets
   * the last one rest, also if nobody shared that.
   */
  since(moment = performance.now(), isPatient = false): Promise<T> {
    if (this.#last?.value && this.#last.began > moment) return this.#last.value;
    this.#waiting += 1;
    if (!isPatient) this.#isHurried = true;
    this.#endRest?.();
    // One that begins when the last one has ended will do for everyone who asks until then.
    if (this.#last) this.#next ??= this.#after(this.#last);
    return this.#next ?? this.#begin();
  }

  async #after(last: Begun<T>): Promise<T> {
    await last.ended;
    const restMs = last.began + (this.#options.restMs ?? 0) - performance.now();
    if (restMs > 0 && this.#mayRest(last)) {
      await new Promise<void>((end) => {
        const timer = setTimeout(end, restMs);
        this.#endRest = () => {
          if (this.#mayRest(last)) return;
          clearTimeout(timer);
          end();
        };
      });
    }
    this.#endRest = undefined;
    return this.#begin();
  }

  /** Whether those who wait can wait longer. */
  #mayRest({ isShared }: Begun<T>): boolean {
    const { crowd = Number.POSITIVE_INFINITY } = this.#options;
    return this.#waiting < crowd && (isShared || !this.#isHurried);
  }

  #begin(): Promise<T> {
    const isShared = this.#waiting > 1;
    this.#next = undefined;
    this.#waiting = 0;
    this.#isHurried = false;
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

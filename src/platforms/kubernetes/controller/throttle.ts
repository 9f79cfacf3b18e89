interface Resting {
  readonly timer: NodeJS.Timeout;
  again: boolean;
}

/** How long a key rests once it was passed on, in milliseconds. */
export interface Rests {
  /** At least. */
  readonly shortest: number;
  /** For each key that rests: so that all together pass one on in that time. */
  readonly each: number;
  /** At most. */
  readonly longest: number;
}

/** Passes a key on at once, and whatever comes of it in the time after that as one, when the time is over. */
export class Throttle {
  readonly #pass: (key: string) => void;
  readonly #rests: Rests;
  readonly #resting = new Map<string, Resting>();

  constructor(pass: (key: string) => void, rests: Rests) {
    this.#pass = pass;
    this.#rests = rests;
  }

  add(key: string): void {
    const resting = this.#resting.get(key);
    if (resting) {
      resting.again = true;
      return;
    }
    const { shortest, each, longest } = this.#rests;
    const restMs = Math.min(longest, Math.max(shortest, each * this.#resting.size));
    const timer = setTimeout(() => this.#end(key), restMs).unref();
    this.#resting.set(key, { timer, again: false });
    this.#pass(key);
  }

  /** Passes nothing on any more. */
  close(): void {
    for (const { timer } of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
  }

  #end(key: string): void {
    const again = this.#resting.get(key)?.again ?? false;
    this.#resting.delete(key);
    if (again) this.add(key);
  }
}

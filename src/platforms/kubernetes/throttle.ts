interface Resting {
  readonly timer: NodeJS.Timeout;
  again: boolean;
}

/** Passes a key on at once, and whatever comes of it in the time after that as one, when the time is over. */
export class Throttle {
  readonly #pass: (key: string) => void;
  readonly #restMs: number;
  readonly #resting = new Map<string, Resting>();

  constructor(pass: (key: string) => void, restMs: number) {
    this.#pass = pass;
    this.#restMs = restMs;
  }

  add(key: string): void {
    const resting = this.#resting.get(key);
    if (resting) {
      resting.again = true;
      return;
    }
    const timer = setTimeout(() => this.#end(key), this.#restMs).unref();
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

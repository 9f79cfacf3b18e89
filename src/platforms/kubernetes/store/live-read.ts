/**
 * One thing that many want to read at once. Who asks for it as it is after a moment shares a read that began later than
 * that, whoever began it.
 */
export class LiveRead<T> {
  readonly #read: () => Promise<T>;
  #last: { readonly began: number; readonly value: Promise<T> } | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** What a read finds that began later than `moment` (as `performance.now()` tells it; now when absent). */
  since(moment = performance.now()): Promise<T> {
    if (this.#last && this.#last.began > moment) return this.#last.value;
    if (!this.#last) return this.#begin();
    // The one under way began too early, and all who wait for it will do with one after it.
    this.#next ??= this.#last.value.then(
      () => this.#begin(),
      () => this.#begin(),
    );
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#next = undefined;
    const last = { began: performance.now(), value: this.#read() };
    this.#last = last;
    last.value.catch(() => {
      if (this.#last === last) this.#last = undefined;
    });
    return last.value;
  }
}

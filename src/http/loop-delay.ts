const EVERY_MS = 100;
// One long turn is a commit, a collection of garbage or a burst; load shows in one after the other.
const TURNS = 3;

/** How late this process's event loop is, again and again: everything that waits for it waits at least that long. */
export class LoopDelay {
  #latest: number[] = [];
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Milliseconds by which each of the last three turns that were looked at came late at least; 0 until there were three. */
  get sustainedMs(): number {
    return this.#latest.length < TURNS ? 0 : Math.min(...this.#latest);
  }

  /** Begins to look; `noted` is called after each look. */
  start(noted: () => void): void {
    this.#due = performance.now() + EVERY_MS;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.note(Math.max(0, now - this.#due));
      this.#due = now + EVERY_MS;
      noted();
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Takes one delay down, in milliseconds. */
  note(delayMs: number): void {
    this.#latest = [...this.#latest, delayMs].slice(-TURNS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

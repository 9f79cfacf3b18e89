const EVERY_MS = 100;
// A commit, a garbage collection or a burst delays a single timer; overload delays several in a row.
const SAMPLES = 3;

/** Measures how late the event loop is. */
export class LoopDelay {
  #latest: number[] = [];
  #due = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Minimum of the last three delays in milliseconds; 0 before there are three. */
  get sustainedMs(): number {
    return this.#latest.length < SAMPLES ? 0 : Math.min(...this.#latest);
  }

  /** Starts to measure every 100 ms; calls `onMeasured` after each measurement. */
  start(onMeasured: () => void): void {
    this.#due = performance.now() + EVERY_MS;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.record(Math.max(0, now - this.#due));
      this.#due = now + EVERY_MS;
      onMeasured();
    }, EVERY_MS);
    this.#timer.unref();
  }

  /** Records a delay, in milliseconds. */
  record(delayMs: number): void {
    this.#latest = [...this.#latest, delayMs].slice(-SAMPLES);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

// How long others are let go on that never pause.
const PATIENCE_MS = { shortest: 300, spread: 300 };
// So many slots are filled in a row before there is a pause.
const MOST_IN_A_ROW = 64;
// How long a try takes before one was made, and at most: an API server that hangs for once is not slow.
const TRY_MS = { first: 6, longest: 60 };
// In times of a try: how long nothing is seen of others before this process tries, where they said that more is to follow and
// where they did not; and how long it pauses when it was at it for long, so that others are at it by then, also where the watch
// lags a little. Of those who come at once all but one lose, which costs less than the time in which nobody tries.
const QUIET = { amid: { shortest: 1, spread: 1.3 }, after: { shortest: 0, spread: 0.5 } };
const PAUSE = 4;
const LONGEST_QUIET = QUIET.amid.shortest + QUIET.amid.spread;

/**
 * The turns of several processes at the slots of one grant. Of two that try for a slot at the same moment one has asked in
 * vain, so each lets another one go on until that says that no more is to follow, or pauses. Times are as `performance.now()`
 * tells them.
 */
export class SlotTurns {
  /** When another process was last seen to fill a slot, and whether it is about to fill the next one. */
  #othersAt = Number.NEGATIVE_INFINITY;
  #isAmid = false;
  /** Has who waits look again. */
  #wake: () => void = () => undefined;
  /** When this process last had a slot tried for, and when a try of it was last over. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** How many tries it made without a pause, with those that are yet to come. */
  #inARow = 0;
  /** How long a try takes, in milliseconds. */
  #tryMs = TRY_MS.first;

  /** A slot was seen that another process filled; `isAmid` if it has more to follow. */
  noteOthers(isAmid: boolean): void {
    this.#othersAt = performance.now();
    this.#isAmid = isAmid;
    this.#wake();
  }

  /** False when this process pauses after the try that it makes. */
  get mayGoOn(): boolean {
    return this.#inARow < MOST_IN_A_ROW;
  }

  /** Until when to wait for others that never pause, for who begins to wait now. */
  patience(): number {
    return performance.now() + PATIENCE_MS.shortest + Math.random() * PATIENCE_MS.spread;
  }

  /** Resolves when this process may try for a slot: at once where nobody else does, and no later than at `latest`. */
  async come(latest: number): Promise<void> {
    const begun = performance.now();
    if (begun - Math.max(this.#triedAt, this.#endedAt - this.#tryMs) > this.#tryMs * LONGEST_QUIET)
      this.#inARow = 0;
    if (!this.mayGoOn) {
      await sleep(Math.max(0, Math.min(begun + this.#tryMs * PAUSE, latest) - begun));
      this.#inARow = 0;
    }
    const chance = Math.random();
    for (;;) {
      const { shortest, spread } = this.#isAmid ? QUIET.amid : QUIET.after;
      const quiet = this.#tryMs * (shortest + chance * spread);
      const restMs = Math.min(this.#othersAt + quiet, latest) - performance.now();
      if (restMs <= 0) return;
      await new Promise<void>((end) => {
        const timer = setTimeout(end, restMs);
        this.#wake = () => {
          clearTimeout(timer);
          end();
        };
      });
    }
  }

  /** Notes that this process is about to try for one more slot. */
  begin(): void {
    this.#triedAt = performance.now();
    this.#inARow += 1;
  }

  /** Notes that it did not try after all. */
  forgo(): void {
    this.#inARow = Math.max(0, this.#inARow - 1);
  }

  /** Notes that it tried for a slot which it was about to try for since `begun`. */
  end(begun: number): void {
    const now = performance.now();
    // Those ahead were tried for first.
    const took = Math.min(now - Math.max(begun, this.#endedAt), TRY_MS.longest);
    this.#tryMs += (took - this.#tryMs) / 4;
    this.#endedAt = now;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((end) => setTimeout(end, ms));
}

// How long others are let go on that never pause.
const PATIENCE_MS = { shortest: 300, spread: 300 };
// So many slots are filled in a row before there is a pause.
const MOST_IN_A_ROW = 64;
// How long a try takes before one was made, and at most: an API server that hangs for once is not slow.
const TRY_MS = { first: 6, longest: 60 };
// In times of a try: how long nothing is seen of others before this process tries, and how long it pauses when it was at it for
// long: so that everybody's quiet time is over by then, also where the watch lags a little.
const QUIET = { shortest: 1, spread: 1.3, pause: 4 };

/**
 * The turns of several processes at the slots of one grant. Of two that try for a slot at the same moment one has asked in
 * vain, so each lets another one go on until that pauses. Times are as `performance.now()` tells them.
 */
export class SlotTurns {
  /** When another process was last seen to fill a slot. */
  #othersAt = Number.NEGATIVE_INFINITY;
  /** When this process last began a try, and how many it made without a pause. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #inARow = 0;
  /** How long a try takes, in milliseconds. */
  #tryMs = TRY_MS.first;

  /** A slot was seen that another process filled. */
  noteOthers(): void {
    this.#othersAt = performance.now();
  }

  /** Until when to wait for others that never pause, for who begins to wait now. */
  patience(): number {
    return performance.now() + PATIENCE_MS.shortest + Math.random() * PATIENCE_MS.spread;
  }

  /** Resolves when this process may try for a slot: at once where nobody else does, and no later than at `latest`. */
  async come(latest: number): Promise<void> {
    const begun = performance.now();
    if (begun - this.#triedAt > this.#tryMs * (QUIET.shortest + QUIET.spread)) this.#inARow = 0;
    if (this.#inARow >= MOST_IN_A_ROW) {
      await until(Math.min(begun + this.#tryMs * QUIET.pause, latest));
      this.#inARow = 0;
    }
    // Not all at the same moment.
    const quiet = this.#tryMs * (QUIET.shortest + Math.random() * QUIET.spread);
    for (;;) {
      const moment = Math.min(this.#othersAt + quiet, latest);
      if (performance.now() >= moment) return;
      await until(moment);
    }
  }

  /** Makes a try for a slot, and notes how long that took. */
  async during<T>(attempt: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    this.#triedAt = begun;
    this.#inARow += 1;
    const tried = await attempt();
    const took = Math.min(performance.now() - begun, TRY_MS.longest);
    this.#tryMs += (took - this.#tryMs) / 4;
    return tried;
  }
}

function until(moment: number): Promise<void> {
  return new Promise((end) => setTimeout(end, Math.max(0, moment - performance.now())));
}

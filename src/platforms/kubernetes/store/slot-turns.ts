import { randomBytes } from 'node:crypto';

// How long others are let go on that never pause.
const PATIENCE_MS = { shortest: 300, spread: 300 };
// So many slots are filled in a row before there is a pause.
const MOST_IN_A_ROW = 64;
// How long a try takes before one was made, and at most: an API server that hangs for once is not slow.
const TRY_MS = { first: 6, longest: 60 };
// In times of a try: how long nothing is seen of others before this process tries. Of those who come at once all but one lose,
// which costs less than the time in which nobody tries.
const QUIET = {
  /** Where it was named; who is not known comes at the same time, and is to be the first as often. */
  named: { shortest: 0, spread: 0.5 },
  /** Where nobody was. */
  after: { shortest: 0, spread: 0.5 },
  /** Where others are at it. */
  amid: { shortest: 1, spread: 1.3 },
  /** Where another one was named, which has to hear of that first. */
  handedOver: { shortest: 3, spread: 1.5 },
};
// In times of a try: how long it pauses when it was at it for long, so that others are at it by then, also where the watch lags
// a little.
const PAUSE = 4;
// Others that filled no slot for so long are not named, and so many are remembered.
const AT_IT_MS = 2_000;
const MOST_OTHERS = 16;
// No name of turns.
const SOMEBODY = '?';
const LONGEST_QUIET = QUIET.amid.shortest + QUIET.amid.spread;

/**
 * The turns of several processes at the slots of one grant. Of two that try for a slot at the same moment one has asked in
 * vain, so each lets another one go on until that says that its turn ends, or pauses. Where a turn ends, it names the one that
 * waits longest of those that are known to be at it: those that had more than one slot to fill, and came when they were named.
 * Who is not known comes together with the one that is named, and is known then. Times are as `performance.now()` tells them.
 */
export class SlotTurns {
  /** Names these turns to other processes. */
  readonly id = randomBytes(6).toString('base64url');
  /** The others that are known to be at it, and when they last filled a slot, the longest ago first. */
  readonly #others = new Map<string, number>();
  /** Until when this one is known to them. */
  #knownUntil = Number.NEGATIVE_INFINITY;
  /** When another process was last seen to fill a slot, who is to fill the next one (undefined for anybody), and if it was named. */
  #othersAt = Number.NEGATIVE_INFINITY;
  #next: string | undefined;
  #isHandedOver = false;
  /** Has who waits look again. */
  #wake: () => void = () => undefined;
  /** When this process last had a slot tried for, and when a try of it was last over. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** How many tries it made without a pause, with those that are yet to come. */
  #inARow = 0;
  /** How long a try takes, in milliseconds. */
  #tryMs = TRY_MS.first;

  /** Whose turn is to be next after this one; undefined where nobody else is known to be at it. */
  heir(): string | undefined {
    const since = performance.now() - AT_IT_MS;
    for (const [id, seenAt] of this.#others) if (seenAt > since) return id;
    return undefined;
  }

  /** Notes that this process filled a slot, and said that it has more to fill. */
  goOn(): void {
    this.#knownUntil = performance.now() + AT_IT_MS;
    this.#next = undefined;
  }

  /** Notes that it filled the last slot of its turn, and whom it named; undefined for nobody. */
  yieldTo(heir: string | undefined): void {
    if (heir !== undefined) this.#note(heir, true);
  }

  /** Notes a slot that was filled in another one's turn, and in whose the next one is to be; undefined where it does not say so. */
  noteOthers(by: string | undefined, next: string | undefined): void {
    if (this.#isHandedOver && this.#next !== undefined && by !== this.#next) {
      // Who was named and did not come has nothing to fill.
      this.#others.delete(this.#next);
      if (this.#next === this.id) this.#knownUntil = Number.NEGATIVE_INFINITY;
    }
    if (by !== undefined && (this.#others.delete(by) || next === by)) this.#others.set(by, performance.now());
    const [oldest] = this.#others.keys();
    if (this.#others.size > MOST_OTHERS && oldest !== undefined) this.#others.delete(oldest);
    this.#note(next, next !== by);
  }

  /** Notes that a slot was filled by somebody whom nothing is known of yet. */
  noteLost(): void {
    this.#note(SOMEBODY, false);
  }

  #note(next: string | undefined, isHandedOver: boolean): void {
    this.#othersAt = performance.now();
    this.#next = next;
    this.#isHandedOver = isHandedOver;
    this.#wake();
  }

  get #quiet(): (typeof QUIET)[keyof typeof QUIET] {
    if (this.#next === undefined) return QUIET.after;
    if (this.#next === this.id) return QUIET.named;
    if (!this.#isHandedOver) return QUIET.amid;
    return this.#knownUntil > performance.now() ? QUIET.handedOver : QUIET.named;
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
      // Who has named another one waits for that anyway.
      if (this.#next === undefined)
        await sleep(Math.max(0, Math.min(begun + this.#tryMs * PAUSE, latest) - begun));
      this.#inARow = 0;
    }
    const chance = Math.random();
    for (;;) {
      const { shortest, spread } = this.#quiet;
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

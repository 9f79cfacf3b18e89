import { randomBytes } from 'node:crypto';

// So many slots are filled in a row, or for about so long where each takes its time, before another one is named, or there is a
// pause: whoever waits has seconds.
const MOST_IN_A_ROW = 64;
const LONGEST_TURN_MS = 1_000;
// Others are let go on for a turn more than it takes until this process is named, and for so long at most. To try beside them costs
// a try in vain, and to miss being named.
const LONGEST_PATIENCE_MS = 4_000;
// How long a try takes before one was made, and at most: an API server that hangs for once is not slow.
const TRY_MS = { first: 6, longest: 60 };
// In times of a try: how long nothing is seen of others before this process tries. Of those who come at once all but one lose,
// which costs less than the time in which nobody tries.
const QUIET = {
  /** Where it was named. */
  named: { shortest: 0, spread: 0.5 },
  /** Where another one was and this one is not known, and so will not be: mostly before that one. */
  unknown: { shortest: 0, spread: 0.2 },
  /** Where nobody was. */
  after: { shortest: 0, spread: 0.5 },
  /** Where others are at it: one creation in ten takes twice as long as most do. */
  amid: { shortest: 2, spread: 2 },
  /** Where another one was named, which has to hear of that first. */
  handedOver: { shortest: 3, spread: 1.5 },
};
// In times of a try: how long it pauses when it was at it for long, so that others are at it by then, also where the watch lags
// a little.
const PAUSE = 4;
// Others that filled no slot for so long are not named: in that time each of several has had its turn. So many are remembered.
const AT_IT_MS = 8_000;
const MOST_OTHERS = 64;
// No name of turns.
const SOMEBODY = '?';
const LONGEST_AMID = QUIET.amid.shortest + QUIET.amid.spread;

/**
 * The turns of several processes at the slots of one grant. Of two that try for a slot at the same moment one has asked in
 * vain, so each lets another one go on until that says that its turn ends, or pauses. Where a turn ends, it names the one that
 * waits longest of those that are known to be at it: those that had more than one slot to fill, and came when they were named.
 * Who is not known comes together with the one that is named, and mostly names that one again. Times are as `performance.now()`
 * tells them.
 */
export class SlotTurns {
  /** Names these turns to other processes. */
  readonly id = randomBytes(6).toString('base64url');
  /** The others that are known, and when they last filled a slot, the longest ago first. */
  readonly #others = new Map<string, number>();
  /** Until when this one is known to them. */
  #knownUntil = Number.NEGATIVE_INFINITY;
  /** Since when others are let go first, and who is to fill the next slot; undefined for anybody. */
  #othersAt = Number.NEGATIVE_INFINITY;
  #next: string | undefined;
  /** Who was named when a turn ended, until it is known who came. */
  #named: string | undefined;
  /** Has who waits look again. */
  #wake: () => void = () => undefined;
  /** When this process last had a slot tried for, and when a try of it was last over. */
  #triedAt = Number.NEGATIVE_INFINITY;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** How many tries it made in this turn, with those that are yet to come, and since when. */
  #inARow = 0;
  #rowBegunAt = Number.NEGATIVE_INFINITY;
  /** How long a try takes, in milliseconds. */
  #tryMs = TRY_MS.first;

  /** Whose turn is to be next after this one; undefined where nobody else is known to be at it. */
  heir(): string | undefined {
    const now = performance.now();
    // Who knows that somebody was named comes in its place only when that did not come in time.
    const passedOver = this.#isKnown ? this.#named : undefined;
    for (const [id, seenAt] of this.#others) {
      if (seenAt <= now - AT_IT_MS) this.#others.delete(id);
      else if (id !== passedOver) return id;
    }
    return undefined;
  }

  /** Notes that this process filled a slot, behind which none is known yet, and in whose turn that said the next one would be. */
  noteOwn(next: string | undefined): void {
    this.#passOver(this.id);
    const now = performance.now();
    if (next === this.id || this.#isKnown) this.#knownUntil = now + AT_IT_MS;
    this.#next = undefined;
    this.#named = undefined;
    // Whoever lets anybody come has held up nobody, but for those who are never quick enough: the pause after so many is theirs.
    if (next === undefined && this.mayGoOn) this.#rowBegunAt = now;
    if (next !== this.id && next !== undefined) this.#note(next, next);
  }

  /** Notes a slot that was filled in another one's turn, and in whose the next one is to be; undefined where it does not say so. */
  noteOthers(by: string | undefined, next: string | undefined): void {
    // Its own, by a write whose answer was lost.
    if (by === this.id) return;
    if (by !== undefined) {
      this.#passOver(by);
      const isKnown = this.#others.delete(by);
      if (isKnown || (next === by && this.#others.size < MOST_OTHERS))
        this.#others.set(by, performance.now());
    }
    this.#note(next, next === by ? undefined : next);
  }

  /** Notes that a slot was filled by somebody whom nothing is known of yet. */
  noteLost(): void {
    this.#note(SOMEBODY, this.#named);
  }

  /** Who was named and did not come has nothing to fill: somebody filled a slot who lets the one that was named go first. */
  #passOver(by: string): void {
    const named = this.#named;
    const isKnown = by === this.id ? this.#isKnown : this.#others.has(by);
    if (named === undefined || named === by || !isKnown) return;
    this.#others.delete(named);
    if (named === this.id) this.#knownUntil = Number.NEGATIVE_INFINITY;
  }

  #note(next: string | undefined, named: string | undefined): void {
    // Whoever is named again has had its time since it was first.
    if (named === undefined || next !== named || named !== this.#named) this.#othersAt = performance.now();
    this.#next = next;
    this.#named = named;
    this.#inARow = 0;
    this.#wake();
  }

  get #isKnown(): boolean {
    return this.#knownUntil > performance.now();
  }

  get #quiet(): (typeof QUIET)[keyof typeof QUIET] {
    if (this.#next === undefined) return QUIET.after;
    if (this.#next === this.id) return QUIET.named;
    if (this.#next !== this.#named) return QUIET.amid;
    return this.#isKnown ? QUIET.handedOver : QUIET.unknown;
  }

  /** False when this process's turn ends with the try that it makes. */
  get mayGoOn(): boolean {
    return this.#inARow < MOST_IN_A_ROW;
  }

  /** Until when to wait for others that do not name this process and go on, for who begins to wait now. */
  patience(): number {
    const turns = 1 + Math.max(1, this.#others.size) + Math.random();
    return performance.now() + Math.min(turns * MOST_IN_A_ROW * this.#tryMs, LONGEST_PATIENCE_MS);
  }

  /** Resolves when this process may try for a slot: at once where nobody else does, and no later than at `latest`. */
  async come(latest: number): Promise<void> {
    const begun = performance.now();
    if (begun - Math.max(this.#triedAt, this.#endedAt - this.#tryMs) > this.#tryMs * LONGEST_AMID)
      this.#inARow = 0;
    if (!this.mayGoOn) {
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
    const now = performance.now();
    this.#triedAt = now;
    if (this.#inARow === 0) this.#rowBegunAt = now;
    this.#inARow += 1;
    if (now - this.#rowBegunAt > LONGEST_TURN_MS) this.#inARow = MOST_IN_A_ROW;
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

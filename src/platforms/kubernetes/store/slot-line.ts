import type { Redemption } from '../../../domain/redemption.js';

/** A slot that this process is filling, and with what. */
export interface InLine {
  readonly slot: number;
  readonly redemption: Redemption;
}

// Enough that the thread that fills them never waits for this one, and few enough to be done with in a fraction of a second.
const MOST_IN_LINE = 16;

/** The slots of one grant that this process is filling, one after the other; nothing is known yet of what becomes of them. */
export class SlotLine {
  /** The slot that was last found to be filled already, and may not be known yet. */
  lost: number | undefined;
  readonly #entries = new Set<InLine>();
  #last: InLine | undefined;
  #isBroken = false;
  #whenMoved: (() => void)[] = [];

  get size(): number {
    return this.#entries.size;
  }

  get isFull(): boolean {
    return this.#entries.size >= MOST_IN_LINE;
  }

  /** True while those in it follow one that filled no slot, and so will fill none. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The last one in it. */
  get last(): InLine | undefined {
    return this.#last;
  }

  /** How many of the redemptions in it are such. */
  count(test: (redemption: Redemption) => boolean): number {
    let count = 0;
    for (const { redemption } of this.#entries) if (test(redemption)) count += 1;
    return count;
  }

  join(entry: InLine): void {
    this.#entries.add(entry);
    this.#last = entry;
  }

  leave(entry: InLine, isFilled: boolean): void {
    this.#entries.delete(entry);
    const isEmpty = this.#entries.size === 0;
    if (isEmpty) this.#last = undefined;
    this.#isBroken = !isEmpty && (this.#isBroken || !isFilled);
    for (const tell of this.#whenMoved.splice(0)) tell();
  }

  /** Resolves once nobody is in it. */
  async empty(): Promise<void> {
    while (this.#entries.size > 0) await this.#moved();
  }

  /** Resolves once there is room in it. */
  async room(): Promise<void> {
    while (this.isFull) await this.#moved();
  }

  #moved(): Promise<void> {
    return new Promise((tell) => {
      this.#whenMoved.push(tell);
    });
  }
}

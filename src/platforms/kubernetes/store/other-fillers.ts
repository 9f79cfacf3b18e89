// Whoever is at it fills a slot every few milliseconds, and the watch tells of each.
const QUIET_MS = { shortest: 6, spread: 8 };
const PATIENCE_MS = { shortest: 100, spread: 150 };

/**
 * What else fills the slots of a grant: other processes. Of two that try at the same moment one has asked in vain, so whoever
 * is not at it gives way until the others pause, or has waited long enough.
 */
export class OtherFillers {
  #lastAt = Number.NEGATIVE_INFINITY;

  /** Another process has filled a slot, just now. */
  note(): void {
    this.#lastAt = performance.now();
  }

  /** Until when somebody gives way who begins now, as `performance.now()` tells it. */
  patience(): number {
    return performance.now() + within(PATIENCE_MS);
  }

  /** Resolves once the others pause, at once where they do, or when `patience` is over. */
  async giveWay(patience: number): Promise<void> {
    const quiet = within(QUIET_MS);
    for (;;) {
      const wait = Math.min(this.#lastAt + quiet, patience) - performance.now();
      if (wait <= 0) return;
      await new Promise((end) => setTimeout(end, wait));
    }
  }
}

// Not all at the same moment.
function within({ shortest, spread }: { readonly shortest: number; readonly spread: number }): number {
  return shortest + Math.random() * spread;
}

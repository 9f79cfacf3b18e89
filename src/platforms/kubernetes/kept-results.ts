interface Kept<T> {
  readonly texts: readonly string[];
  readonly result: T;
  readonly until: number;
}

const KEPT_MS = 10_000;
const MOST_KEPT = 1_000;

/**
 * Results of what costs much and follows from texts and the time alone: the last one under each key is given again for the
 * same texts, for at most ten seconds.
 */
export class KeptResults<T> {
  readonly #kept = new Map<string, Kept<T>>();

  of(key: string, texts: readonly string[], now: number, make: () => T): T {
    const kept = this.#kept.get(key);
    const isSame = kept?.texts.length === texts.length && kept.texts.every((text, at) => text === texts[at]);
    // A clock that was set back would keep it for long.
    if (kept && isSame && now < kept.until && now >= kept.until - KEPT_MS) return kept.result;
    const result = make();
    this.#kept.delete(key);
    this.#kept.set(key, { texts, result, until: now + KEPT_MS });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return result;
  }
}

import { createHash } from 'node:crypto';

interface Kept<T> {
  readonly digest: string;
  readonly result: T;
  readonly from: number;
  readonly until: number;
}

const KEPT_MS = 10_000;
const MOST_KEPT = 1_000;

/**
 * Caches results that are expensive and depend only on texts and the time: the last result under each key is returned for the
 * same texts, for ten seconds or the milliseconds that `msOf` returns.
 */
export class TtlCache<T> {
  readonly #kept = new Map<string, Kept<T>>();

  of(
    key: string,
    texts: readonly string[],
    now: number,
    make: () => T,
    msOf: (result: T) => number = () => KEPT_MS,
  ): T {
    // Only a digest is stored, because the texts may be long and many.
    const digest = digestOf(texts);
    const kept = this.#kept.get(key);
    // If the clock was set back, treat the result as stale.
    if (kept?.digest === digest && now < kept.until && now >= kept.from) return kept.result;
    const result = make();
    this.#kept.delete(key);
    this.#kept.set(key, { digest, result, from: now, until: now + msOf(result) });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return result;
  }
}

function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  // With the length of each text, so that the same characters split in another way have another digest.
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('base64');
}

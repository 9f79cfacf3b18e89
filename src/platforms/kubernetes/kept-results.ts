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
 * Results of what costs much and follows from texts and the time alone: the last one under each key is returned again for
 * the same texts, for ten seconds or as long as `msOf` says.
 */
export class KeptResults<T> {
  readonly #kept = new Map<string, Kept<T>>();

  of(
    key: string,
    texts: readonly string[],
    now: number,
    make: () => T,
    msOf: (result: T) => number = () => KEPT_MS,
  ): T {
    // The texts themselves may be long, and there may be many.
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
  // With its length, so that texts cut elsewhere differ.
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('base64');
}

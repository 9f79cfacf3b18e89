import { createHash } from 'node:crypto';
import { BoundedMap } from '../../../time/bounded-map.js';

interface Entry<T> {
  readonly digest: string;
  readonly result: T;
  readonly from: number;
  readonly until: number;
}

const DEFAULT_MS = 10_000;
const MAX_ENTRIES = 1_000;

/** Caches expensive results that depend only on texts and the time: the last result of each key. */
export class TtlCache<T> {
  readonly #entries = new BoundedMap<string, Entry<T>>(MAX_ENTRIES);

  /**
   * The cached result of `key` if it is for the same texts and valid at `now`, else the result of `make`. A result is valid for
   * the milliseconds that `msOf` returns.
   */
  getOrCompute(
    key: string,
    texts: readonly string[],
    now: number,
    make: () => T,
    msOf: (result: T) => number = () => DEFAULT_MS,
  ): T {
    // Only a digest is stored, because the texts may be long and many.
    const digest = digestOf(texts);
    const entry = this.#entries.get(key);
    // If the clock was set back, treat the result as stale.
    if (entry?.digest === digest && now < entry.until && now >= entry.from) return entry.result;
    const result = make();
    this.#entries.set(key, { digest, result, from: now, until: now + msOf(result) });
    return result;
  }
}

function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  // With the length of each text, so that the same characters split in another way have another digest.
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('base64');
}

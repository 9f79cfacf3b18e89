import { createHash } from 'node:crypto';

interface Entry<T> {
  readonly digest: string;
  /** Characters of the texts; the result may contain them. */
  readonly length: number;
  readonly result: T;
  readonly from: number;
  readonly until: number;
}

const DEFAULT_MS = 10_000;
const MAX_ENTRIES = 1_000;
// A namespace can have many Secrets of 256 KiB. Usual certificates have a few KiB.
const MAX_LENGTH = 16 * 1024 * 1024;

/**
 * Caches expensive results that depend only on texts and the time: the last result of each key. The results that were computed least
 * recently are deleted if there are more than 1,000, or if their texts have more than 16 Mi characters together.
 */
export class TtlCache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  #length = 0;

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
    this.#delete(key);
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    this.#entries.set(key, { digest, length, result, from: now, until: now + msOf(result) });
    this.#length += length;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES && this.#length <= MAX_LENGTH) break;
      this.#delete(oldest);
    }
    return result;
  }

  #delete(key: string): void {
    this.#length -= this.#entries.get(key)?.length ?? 0;
    this.#entries.delete(key);
  }
}

function digestOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  // With the length of each text, so that the same characters split in another way have another digest.
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('base64');
}

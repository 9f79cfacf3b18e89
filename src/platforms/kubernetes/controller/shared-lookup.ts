import { RedemptionError } from '../../../domain/redemption-error.js';
import { BoundedMap } from '../../../time/bounded-map.js';
import { SharedRead } from '../../../time/shared-read.js';

/** What {@link SharedLookup} needs. */
export interface SharedLookupOptions<T> {
  /** Lists objects by id, at least those of `ids` that exist. */
  readonly list: (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>;
  readonly wait: (ms: number) => Promise<unknown>;
}

const MAX_ABSENT_ENTRIES = 10_000;
/** Maximum number of lookups that wait for a listing; further ones are refused as `overloaded`. */
export const MAX_WAITING_CALLERS = 100;
// After a listing, the next one waits nine times as long as the listing took. So requests with invented ids cannot keep the API
// server busy.
const PAUSE_FACTOR = 9;
const MAX_PAUSE_MS = 30_000;
// A lookup that would wait longer for the end of the pause is refused.
const MAX_WAIT_MS = 2_000;

/**
 * Looks up ids that a watch has not reported, in listings that concurrent lookups share. An id that is not listed is recorded as
 * absent: ids are random and known only after the creation of their object, so no later object can have it.
 */
export class SharedLookup<T> {
  // Bounded, because clients can send any number of invented ids.
  readonly #absent = new BoundedMap<string, true>(MAX_ABSENT_ENTRIES);
  readonly #list: SharedRead<ReadonlyMap<string, T>>;
  readonly #waiting = new Set<{ readonly id: string }>();

  constructor({ list, wait }: SharedLookupOptions<T>) {
    let pauseUntil = 0;
    const listAfterPause = async () => {
      const pauseMs = pauseUntil - performance.now();
      if (pauseMs > MAX_WAIT_MS) {
        const retryAfter = Math.ceil(pauseMs / 1_000);
        throw new RedemptionError('overloaded', 'unknown ids are looked up later', { retryAfter });
      }
      if (pauseMs > 0) await wait(pauseMs);
      const listedAt = performance.now();
      try {
        return await list([...new Set(Array.from(this.#waiting, ({ id }) => id))]);
      } finally {
        const endedAt = performance.now();
        pauseUntil = endedAt + Math.min(MAX_PAUSE_MS, PAUSE_FACTOR * (endedAt - listedAt));
      }
    };
    this.#list = new SharedRead(listAfterPause, { dropsValues: true });
  }

  /**
   * The object with that id, or undefined if it certainly does not exist. Rejects with RedemptionError `overloaded` when too many
   * lookups wait for a listing, or when the next one may start only after more than 2 s, and with the error of a failed listing.
   */
  async find(id: string): Promise<T | undefined> {
    if (this.#absent.has(id)) return undefined;
    if (this.#waiting.size >= MAX_WAITING_CALLERS) {
      throw new RedemptionError('overloaded', 'too many requests with unknown ids wait for a listing');
    }
    const caller = { id };
    this.#waiting.add(caller);
    const listed = await this.#list.readAfter().finally(() => this.#waiting.delete(caller));
    const found = listed.get(id);
    if (found === undefined) this.recordAbsent(id);
    return found;
  }

  recordAbsent(id: string): void {
    this.#absent.set(id, true);
  }
}

import { BoundedMap } from '../../../time/bounded-map.js';
import { isApiError } from './api-error.js';

/** The largest accepted response to a request. */
export interface ResponseLimit {
  /** The length of the body. */
  readonly bytes: number;
  /** The number of keys and texts in the JSON; any number if absent. */
  readonly strings?: number;
}

/**
 * The limit of an object that a tenant can write and the service reads for a request. It is far above what linkgrant uses: a
 * grant with all its lists at their greatest length, and a copy of them by `kubectl apply`, has 400 KB and a few hundred strings.
 */
export const OBJECT_LIMIT = { bytes: 512 * 1024, strings: 2_000 } as const satisfies ResponseLimit;
/** The limit of an object, as the end of a sentence. */
export const OBJECT_LIMIT_TEXT = `more than ${OBJECT_LIMIT.bytes / 1024} KiB, or more than ${OBJECT_LIMIT.strings} keys and texts`;
/** After an object was too large, the number of seconds for which it is not read again. */
export const TOO_LARGE_S = 30;
/** Maximum number of recorded objects that were too large. */
export const MAX_TOO_LARGE_OBJECTS = 10_000;

/** True if a text of JSON exceeds a limit. Does not parse it, because that takes longest with many keys. */
export function exceedsLimit(json: string, { bytes, strings }: ResponseLimit): boolean {
  if (Buffer.byteLength(json) > bytes) return true;
  if (strings === undefined) return false;
  const quotes = 2 * strings;
  // n quotes divide the JSON into n + 1 parts. The split stops at the first part beyond the limit.
  return json.split('"', quotes + 2).length > quotes + 1;
}

/** The objects that were too large when they were last read. */
export class TooLargeObjects {
  readonly #refused = new BoundedMap<string, { readonly error: unknown; readonly until: number }>(
    MAX_TOO_LARGE_OBJECTS,
  );

  /**
   * Reads an object, and rejects like `read`. If that has rejected with `too_large`, rejects with the same error for 30 seconds
   * without reading, because each read of a large object is slow for the API server and for this process.
   */
  async read<T>(key: string, read: () => Promise<T>): Promise<T> {
    const refused = this.#refused.get(key);
    if (refused && performance.now() < refused.until) throw refused.error;
    try {
      return await read();
    } catch (error) {
      if (isApiError(error, 'too_large'))
        this.#refused.set(key, { error, until: performance.now() + TOO_LARGE_S * 1_000 });
      throw error;
    }
  }
}

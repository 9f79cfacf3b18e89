import { RateLimiterMemory } from 'rate-limiter-flexible';

/**
 * Counts events of each key in periods of `seconds`; a period begins with the first event after the last period. At most
 * `maxKeys` keys are stored: beyond that the oldest key is removed, and its next event starts at one.
 */
export class KeyedCounter {
  readonly #limiter: RateLimiterMemory;
  readonly #maxKeys: number;
  /** In order of their first count. */
  readonly #keys = new Set<string>();

  constructor({ seconds, maxKeys }: { readonly seconds: number; readonly maxKeys: number }) {
    this.#maxKeys = maxKeys;
    // The library requires a limit, but does not use it for counting.
    this.#limiter = new RateLimiterMemory({ points: 0, duration: seconds });
  }

  get size(): number {
    return this.#keys.size;
  }

  async count(key: string): Promise<number> {
    if (!this.#keys.has(key)) await this.#admit(key);
    return (await this.#limiter.penalty(key)).consumedPoints;
  }

  async #admit(key: string): Promise<void> {
    this.#keys.add(key);
    if (this.#keys.size <= this.#maxKeys) return;
    const [oldest] = this.#keys;
    if (oldest === undefined) return;
    this.#keys.delete(oldest);
    await this.#limiter.delete(oldest);
  }
}

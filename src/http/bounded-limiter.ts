import { RateLimiterMemory } from 'rate-limiter-flexible';

/**
 * Counts events of each key in periods of `seconds`; a period begins with the first event after the last period. At most
 * `mostKeys` keys are stored: beyond that the oldest key is removed, and its next event starts at one.
 */
export class BoundedLimiter {
  readonly points: number;
  readonly #limiter: RateLimiterMemory;
  readonly #most: number;
  /** In order of their first count. */
  readonly #keys = new Set<string>();

  constructor(options: { readonly points: number; readonly seconds: number; readonly mostKeys: number }) {
    const { points, seconds, mostKeys } = options;
    this.points = points;
    this.#most = mostKeys;
    this.#limiter = new RateLimiterMemory({ points, duration: seconds });
  }

  /** Number of keys. */
  get size(): number {
    return this.#keys.size;
  }

  /** Adds one and returns the count; more than `points` exceeds the budget. */
  async count(key: string): Promise<number> {
    if (!this.#keys.has(key)) await this.#admit(key);
    const { consumedPoints } = await this.#limiter.penalty(key);
    return consumedPoints;
  }

  /** Returns the count. */
  async countOf(key: string): Promise<number> {
    return (await this.#limiter.get(key))?.consumedPoints ?? 0;
  }

  async #admit(key: string): Promise<void> {
    this.#keys.add(key);
    if (this.#keys.size <= this.#most) return;
    const [oldest] = this.#keys;
    if (oldest === undefined) return;
    this.#keys.delete(oldest);
    await this.#limiter.delete(oldest);
  }
}

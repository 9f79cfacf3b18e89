import { RateLimiterMemory } from 'rate-limiter-flexible';

/**
 * Counts by key within a time that begins with the key's first count. At most so many keys are known; beyond that the
 * one that was seen first is forgotten, and begins anew when it comes back.
 */
export class BoundedLimiter {
  readonly points: number;
  readonly #limiter: RateLimiterMemory;
  readonly #most: number;
  /** In the order in which they came. */
  readonly #keys = new Set<string>();

  constructor(options: { readonly points: number; readonly seconds: number; readonly mostKeys: number }) {
    const { points, seconds, mostKeys } = options;
    this.points = points;
    this.#most = mostKeys;
    this.#limiter = new RateLimiterMemory({ points, duration: seconds });
  }

  /** How many keys are known. */
  get size(): number {
    return this.#keys.size;
  }

  /** Counts one; resolves with how many that makes. More than `points` is over the budget. */
  async count(key: string): Promise<number> {
    if (!this.#keys.has(key)) await this.#admit(key);
    const { consumedPoints } = await this.#limiter.penalty(key);
    return consumedPoints;
  }

  /** How many are counted now. */
  async counted(key: string): Promise<number> {
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

import type { Logger } from 'pino';
import { sourceOf } from '../domain/peer-address.js';
import { BoundedLimiter } from './bounded-limiter.js';

// A person with an expired bearer token tries a few times, a polling client a few times a minute.
const BUDGET = { points: 30, seconds: 60, mostKeys: 10_000 };

/**
 * The budget of failed authentications of each source. Beyond it, failures are not logged and do not cause a fetch of keys
 * from the issuer. No request is refused because of it.
 */
export class FailedAuthentications {
  readonly #sources = new BoundedLimiter(BUDGET);
  readonly #onLimited: () => void;
  readonly #logger: Logger;

  constructor(onLimited: () => void, logger: Logger) {
    this.#onLimited = onLimited;
    this.#logger = logger;
  }

  /** True if the source of `peer` has exhausted its budget. */
  async isSpent(peer: string): Promise<boolean> {
    return (await this.#sources.countOf(sourceOf(peer))) >= this.#sources.points;
  }

  /** Counts a failure of `peer`; returns true within the budget of its source. */
  async count(peer: string): Promise<boolean> {
    const source = sourceOf(peer);
    const failed = await this.#sources.count(source);
    if (failed <= this.#sources.points) return true;
    this.#onLimited();
    if (failed === this.#sources.points + 1) {
      this.#logger.warn(
        { event: 'authentications_limited', source, peer },
        `more than ${BUDGET.points} failed authentications within ${BUDGET.seconds} s from one source; further ones are counted in the metrics only`,
      );
    }
    return false;
  }
}

import type { Logger } from 'pino';
import { sourceOf } from '../domain/peer-address.js';
import { BoundedLimiter } from './bounded-limiter.js';

// A person with an old bearer token tries a few times, and what polls with one a few times a minute.
const BUDGET = { points: 30, seconds: 60, mostKeys: 10_000 };

/**
 * The budget of failed authentications of each source. It refuses nobody: beyond it a source is told of no more, and costs
 * its issuer nothing.
 */
export class FailedAuthentications {
  readonly #sources = new BoundedLimiter(BUDGET);
  readonly #onLimited: () => void;
  readonly #logger: Logger;

  constructor(onLimited: () => void, logger: Logger) {
    this.#onLimited = onLimited;
    this.#logger = logger;
  }

  /** True while the source of `peer` has spent its budget. */
  async isSpent(peer: string): Promise<boolean> {
    return (await this.#sources.counted(sourceOf(peer))) >= this.#sources.points;
  }

  /** Counts one of `peer`; resolves with true within the budget of its source. */
  async count(peer: string): Promise<boolean> {
    const source = sourceOf(peer);
    const failed = await this.#sources.count(source);
    if (failed <= this.#sources.points) return true;
    this.#onLimited();
    if (failed === this.#sources.points + 1) {
      this.#logger.warn(
        { event: 'authentications_limited', source, peer },
        `more than ${BUDGET.points} failed authentications within ${BUDGET.seconds} s from one address; the next ones are counted in the metrics alone`,
      );
    }
    return false;
  }
}

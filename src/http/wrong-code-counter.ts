import type { Clock } from '../redemption/ports/clock.js';
import type { WrongCodeStore, WrongCodes } from '../redemption/ports/wrong-code-store.js';

const WRITE_INTERVAL_MS = 10_000;
// A client without a code may know the uids of many grants. This bounds the writes in each interval, and the memory.
const MAX_WRITES = 100;
const MAX_GRANTS = 10_000;

/**
 * Counts the requests with a wrong code for each grant, and adds the counts to the store: the first one at once, further ones
 * together every 10 s. Each time it writes the counts of at most 100 grants, those that have waited longest; at most 10,000 grants
 * wait. A count that cannot be written is lost: nothing depends on it.
 */
export class WrongCodeCounter {
  readonly #store: Pick<WrongCodeStore, 'addWrongCodes'>;
  readonly #clock: Clock;
  /** The counts that are not written yet. The grant that has waited longest is first. */
  readonly #counts = new Map<string, WrongCodes>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Pick<WrongCodeStore, 'addWrongCodes'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Counts a request from `peer`. */
  count(grantUid: string, peer: string): void {
    const earlier = this.#counts.get(grantUid)?.count ?? 0;
    if (earlier === 0 && this.#counts.size >= MAX_GRANTS) return;
    this.#counts.set(grantUid, { count: earlier + 1, lastAt: this.#clock(), lastPeer: peer });
    if (!this.#timer) this.#write();
  }

  #write(): void {
    const counts = [...this.#counts].slice(0, MAX_WRITES);
    this.#timer =
      counts.length === 0 ? undefined : setTimeout(() => this.#write(), WRITE_INTERVAL_MS).unref();
    for (const [grantUid, requests] of counts) {
      this.#counts.delete(grantUid);
      this.#store.addWrongCodes(grantUid, requests).catch(() => undefined);
    }
  }
}

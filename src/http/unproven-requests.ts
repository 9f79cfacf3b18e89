import type { Logger } from 'pino';
import type { AccessGrant } from '../domain/access-grant.js';
import { KeyedCounter } from './keyed-counter.js';
import { SourceBudget } from './source-budget.js';

// A client with a wrong token tries once, a controller with an expired token twice a minute.
const SOURCE_BUDGET = {
  points: 60,
  seconds: 60,
  event: 'unproven_limited',
  subject: 'requests without a proven code or key',
};
// Expired tokens stay far below this; guessing a code takes many more.
const USER_SUPPLIED_CODE_BUDGET = { points: 100, seconds: 600, maxKeys: 10_000 };

/** The grant that a wrong code was presented for. */
export type GuessedGrant = Pick<AccessGrant, 'uid' | 'namespace' | 'name' | 'isUserSuppliedCode'>;

/** Counts requests beyond a budget, for metrics. */
export interface UnprovenRequestObserver {
  unprovenRequestLimited(): void;
  weakCodeBruteforced(): void;
}

/**
 * Two budgets. Each source has a budget of requests, to all routes, that prove neither a code nor a key. Requests beyond this
 * budget are counted in the metrics and not logged. Each grant with a user-supplied code has a budget of wrong codes. If they
 * exceed it, an attack is reported. No request is refused because of a budget: a valid code is redeemed after any number of
 * wrong ones.
 */
export class UnprovenRequests {
  readonly #sources: SourceBudget;
  readonly #grants = new KeyedCounter(USER_SUPPLIED_CODE_BUDGET);
  readonly #observer: UnprovenRequestObserver;
  readonly #logger: Logger;

  constructor(observer: UnprovenRequestObserver, logger: Logger) {
    this.#sources = new SourceBudget(SOURCE_BUDGET, () => observer.unprovenRequestLimited(), logger);
    this.#observer = observer;
    this.#logger = logger;
  }

  /**
   * Counts a request of `peer`; `guessed` is the grant that it presented a wrong code for. Returns true if the budget is
   * not exceeded.
   */
  count(peer: string, guessed?: GuessedGrant): boolean {
    if (guessed?.isUserSuppliedCode) this.#countGuess(guessed, peer);
    return this.#sources.count(peer);
  }

  #countGuess({ uid, namespace, name }: GuessedGrant, peer: string): void {
    if (this.#grants.count(uid) !== USER_SUPPLIED_CODE_BUDGET.points + 1) return;
    this.#observer.weakCodeBruteforced();
    this.#logger.warn(
      { event: 'weak_code_bruteforce', grant: uid, namespace, name, peer },
      `more than ${USER_SUPPLIED_CODE_BUDGET.points} wrong codes within ${USER_SUPPLIED_CODE_BUDGET.seconds} s for a grant with a user-supplied code`,
    );
  }
}

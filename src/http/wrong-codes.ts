import type { Logger } from 'pino';
import type { AccessGrant } from '../domain/access-grant.js';
import { sourceOf } from '../domain/peer-address.js';
import { BoundedLimiter } from './bounded-limiter.js';

// A client that was given the wrong file tries once, and a controller with a dead token twice a minute.
const SOURCE_BUDGET = { points: 60, seconds: 60, mostKeys: 10_000 };
// Some dead tokens do not come near it, and whoever guesses needs many more.
const CHOSEN_CODE_BUDGET = { points: 100, seconds: 600, mostKeys: 10_000 };

/** The grant that a wrong code was shown for. */
export type GuessedGrant = Pick<AccessGrant, 'uid' | 'namespace' | 'name' | 'codeChosen'>;

/** Told of wrong codes beyond a budget, for metrics. */
export interface WrongCodeObserver {
  wrongCodeLimited(): void;
  chosenCodeAttacked(): void;
}

/**
 * The budgets of wrong codes: for each source over all routes, and for each grant whose code a person chose over all
 * sources. They refuse nobody: what is compared comes first, so beyond its budget a source is only told of no more, and
 * a right code among its wrong ones is redeemed.
 */
export class WrongCodes {
  readonly #sources = new BoundedLimiter(SOURCE_BUDGET);
  readonly #grants = new BoundedLimiter(CHOSEN_CODE_BUDGET);
  readonly #observer: WrongCodeObserver;
  readonly #logger: Logger;

  constructor(observer: WrongCodeObserver, logger: Logger) {
    this.#observer = observer;
    this.#logger = logger;
  }

  /** Counts a wrong code of `peer`, for `guessed` if there is such a grant; resolves with true within the source's budget. */
  async count(peer: string, guessed: GuessedGrant | undefined): Promise<boolean> {
    if (guessed?.codeChosen) await this.#countGuess(guessed, peer);
    const source = sourceOf(peer);
    const wrong = await this.#sources.count(source);
    if (wrong <= this.#sources.points) return true;
    this.#observer.wrongCodeLimited();
    if (wrong === this.#sources.points + 1) {
      this.#logger.warn(
        { event: 'wrong_codes_limited', source, peer },
        `more than ${SOURCE_BUDGET.points} wrong codes within ${SOURCE_BUDGET.seconds} s from one address; the next ones are counted in the metrics alone`,
      );
    }
    return false;
  }

  async #countGuess({ uid, namespace, name }: GuessedGrant, peer: string): Promise<void> {
    if ((await this.#grants.count(uid)) !== this.#grants.points + 1) return;
    this.#observer.chosenCodeAttacked();
    this.#logger.warn(
      { event: 'chosen_code_attacked', grant: uid, namespace, name, peer },
      `more than ${CHOSEN_CODE_BUDGET.points} wrong codes within ${CHOSEN_CODE_BUDGET.seconds} s for a grant whose code a person chose`,
    );
  }
}

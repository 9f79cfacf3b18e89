import type { Logger } from 'pino';
import { sourceOf } from '../domain/peer-address.js';
import { KeyedCounter } from './keyed-counter.js';

const MAX_SOURCES = 10_000;

/** A number of events that each source may cause in a period. */
export interface SourceBudgetOptions {
  readonly points: number;
  readonly seconds: number;
  /** Name of the log event when a source exceeds the budget. */
  readonly event: string;
  /** The counted events, for the log: `failed authentications`. */
  readonly subject: string;
}

/** Counts events of each source. It reports sources beyond the budget, and refuses nothing. */
export class SourceBudget {
  readonly #options: SourceBudgetOptions;
  readonly #onLimited: () => void;
  readonly #logger: Logger;
  readonly #sources: KeyedCounter;

  /** `onLimited` is called for each event beyond the budget. */
  constructor(options: SourceBudgetOptions, onLimited: () => void, logger: Logger) {
    this.#options = options;
    this.#onLimited = onLimited;
    this.#logger = logger;
    this.#sources = new KeyedCounter({ seconds: options.seconds, maxKeys: MAX_SOURCES });
  }

  /** Counts an event of `peer`; returns true within the budget of its source. */
  count(peer: string): boolean {
    const { points, seconds, event, subject } = this.#options;
    const source = sourceOf(peer);
    const count = this.#sources.count(source);
    if (count <= points) return true;
    this.#onLimited();
    if (count === points + 1) {
      this.#logger.warn(
        { event, source, peer },
        `more than ${points} ${subject} within ${seconds} s from one source; further ones are counted in the metrics only`,
      );
    }
    return false;
  }
}

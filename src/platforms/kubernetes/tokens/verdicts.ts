import type { Stored } from '../api/resource.js';
import { type AccessTokenResource, redeemedCondition, type TokenReason } from './access-token-resource.js';

/** After which nothing is done until something else comes about. */
export type Verdict = Extract<TokenReason, 'Refused' | 'OutcomeUnknown' | 'Pending'>;

interface Kept {
  readonly version: string;
  readonly verdict: Verdict;
  isOverwritten: boolean;
}

/**
 * What was said of tokens, kept beside their status: where another controller writes over that, what was settled would
 * else be asked, and said, again at once and for ever.
 */
export class Verdicts {
  readonly #kept = new Map<string, Kept>();
  readonly #onOverwritten: (key: string) => void;

  /** `onOverwritten` is told once of each verdict that a token's status does not show any more. */
  constructor(onOverwritten: (key: string) => void) {
    this.#onOverwritten = onOverwritten;
  }

  keep(key: string, token: Stored<AccessTokenResource>, verdict: Verdict): void {
    this.#kept.set(key, { version: versionOf(token), verdict, isOverwritten: false });
  }

  /** What was said of the token's spec as it is now. */
  find(key: string, token: Stored<AccessTokenResource>): Verdict | undefined {
    const kept = this.#kept.get(key);
    if (kept?.version !== versionOf(token)) return undefined;
    if (!kept.isOverwritten && redeemedCondition(token)?.reason !== kept.verdict) {
      kept.isOverwritten = true;
      this.#onOverwritten(key);
    }
    return kept.verdict;
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }
}

function versionOf({ metadata: { uid, generation } }: Stored<AccessTokenResource>): string {
  return `${uid} ${generation}`;
}

import type { Stored } from '../api/resource.js';
import {
  type AccessTokenResource,
  redeemedCondition,
  type TokenReason,
  tokenVersion,
} from './access-token-resource.js';

/**
 * A reason after which a token is not redeemed until its spec changes; for `Pending` until its namespace has a Site, and for
 * `OutcomeUnknown` until its link is in place.
 */
export type FinalReason = Extract<TokenReason, 'Refused' | 'OutcomeUnknown' | 'Pending'>;

interface Entry {
  readonly version: string;
  readonly reason: FinalReason;
  isOverwritten: boolean;
}

/**
 * The final reasons that were written into the status of AccessTokens. Without this cache, a token whose status another
 * controller overwrites would be redeemed, and its status written, again and again.
 */
export class FinalStatusCache {
  readonly #entries = new Map<string, Entry>();
  readonly #onOverwritten: (key: string) => void;

  /** `onOverwritten` is called once for each reason that the status of a token no longer shows. */
  constructor(onOverwritten: (key: string) => void) {
    this.#onOverwritten = onOverwritten;
  }

  store(key: string, token: Stored<AccessTokenResource>, reason: FinalReason): void {
    this.#entries.set(key, { version: tokenVersion(token), reason, isOverwritten: false });
  }

  /** The final reason of the token with its present spec. */
  find(key: string, token: Stored<AccessTokenResource>): FinalReason | undefined {
    const entry = this.#entries.get(key);
    if (entry?.version !== tokenVersion(token)) return undefined;
    if (!entry.isOverwritten && redeemedCondition(token)?.reason !== entry.reason) {
      entry.isOverwritten = true;
      this.#onOverwritten(key);
    }
    return entry.reason;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}

/** Stored state of one token's redemption on the requesting site, so that a later run can continue it at any point. */
export interface PendingRedemption {
  /** Names of the stored key and the stored response, for messages. */
  readonly places: { readonly key: string; readonly answer: string };
  /** PEM of the private key: the stored one, else the result of `make`, stored durably. Concurrent runs get the same key. */
  ensureKey(make: () => Promise<string>): Promise<string>;
  /** The stored response. */
  findAnswer(): Promise<string | undefined>;
  /** Stores a response durably unless one is stored; returns the stored one. */
  storeAnswer(text: string): Promise<string>;
  /**
   * Removes the stored key or response if it still is `content`. Rejects with `outcome_unknown` if a materialized link
   * contains it.
   */
  discard(what: 'key' | 'answer', content: string): Promise<void>;
  /**
   * Reports that no certificate was or will be issued for a key, so the stored state may be removed if it contains nothing
   * else.
   */
  discardUnusedKey(keyPem: string): Promise<void>;
  /** The last posting of the code to a server that counts every posting. */
  findPosting(): Promise<Posting | undefined>;
  /**
   * Records durably that posting `number` is about to happen; false if another run has recorded that number, or a later
   * one.
   */
  beginPosting(posting: Posting): Promise<boolean>;
  /** Removes the record of a posting that certainly counted nothing. */
  cancelPosting(number: number): Promise<void>;
  /** Stores the result, for operators. */
  storeOutcome(outcome: RedemptionOutcome): Promise<void>;
}

/** A posting of a code, about to happen or past; `number` counts from 1. */
export interface Posting {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Result of a successful redemption. */
export interface RedemptionOutcome {
  readonly redeemedAt: string;
  readonly redemptionId: string | null;
  readonly source: 'linkgrant' | 'stock';
  readonly secret: string;
  readonly links: readonly string[];
  readonly certificateSerial: string;
  readonly certificateNotAfter: string;
  readonly written: readonly string[];
}

/**
 * Opens the state stored under `id` (lower-case hex), or creates it. Rejects with RedemptionError `not_writable` if nothing
 * can be stored; so do the methods of the result.
 */
export type OpenPendingRedemption = (id: string) => Promise<PendingRedemption>;

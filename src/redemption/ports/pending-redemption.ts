/** Stored state of a token's redemption on the requesting site, so that a later run can continue it from any point. */
export interface PendingRedemption {
  /** Where the key and the answer are stored, for messages. */
  readonly places: { readonly key: string; readonly answer: string };
  /**
   * Returns the PEM of the stored private key, else that of `make` after storing it durably. Concurrent runs get the same key.
   */
  ensureKey(make: () => Promise<string>): Promise<string>;
  /** Returns the stored answer; undefined if there is none. */
  findAnswer(): Promise<string | undefined>;
  /** Stores an answer durably unless one is stored; returns the stored one. */
  storeAnswer(text: string): Promise<string>;
  /**
   * Removes the stored key or answer if it still is `content`. Rejects with `outcome_unknown` if a materialized link
   * contains it.
   */
  discard(part: 'key' | 'answer', content: string): Promise<void>;
  /**
   * Removes the stored state if it contains only this key. The caller must know that no certificate was or will be issued for
   * the key.
   */
  discardUnusedKey(keyPem: string): Promise<void>;
  /** Returns the last recorded posting of the code to a server that counts every posting. */
  findPosting(): Promise<Posting | undefined>;
  /**
   * Records durably that a posting is about to start; false if another run has recorded its number or a later one.
   */
  beginPosting(posting: Posting): Promise<boolean>;
  /** Removes the record of a posting for which the server certainly counted nothing. */
  cancelPosting(number: number): Promise<void>;
  /** Stores the result, for operators. */
  storeOutcome(outcome: RedemptionOutcome): Promise<void>;
}

/** A recorded posting of a code. */
export interface Posting {
  /** 1 for the first posting of a token, then 2, and so on. */
  readonly number: number;
  /** When it was recorded, milliseconds since the epoch. */
  readonly at: number;
}

/** Result of a successful redemption. Times are RFC 3339. */
export interface RedemptionOutcome {
  readonly redeemedAt: string;
  readonly redemptionId: string | null;
  readonly source: 'linkgrant' | 'stock';
  /** Name of the link's Secret. */
  readonly secret: string;
  /** Names of the Links. */
  readonly links: readonly string[];
  readonly certificateSerial: string;
  readonly certificateNotAfter: string;
  /** The locations of the resources, as the materializer names them. */
  readonly written: readonly string[];
}

/**
 * Opens the state stored under `id` (lower-case hex), or creates it. Rejects with RedemptionError `not_writable` if nothing
 * can be stored; so do the methods of the result.
 */
export type OpenPendingRedemption = (id: string) => Promise<PendingRedemption>;

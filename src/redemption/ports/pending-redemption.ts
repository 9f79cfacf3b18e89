/** The stored state of one token's redemption on the requesting site, so that it can be resumed at any point. */
export interface PendingRedemption {
  /** Names of the stored key and the stored answer, for messages. */
  readonly places: { readonly key: string; readonly answer: string };
  /** Returns the PEM of the private key: the stored one, else the result of `make`, stored durably. All runs get the same key. */
  ensureKey(make: () => Promise<string>): Promise<string>;
  /** Returns the stored answer, or undefined. */
  findAnswer(): Promise<string | undefined>;
  /** Stores an answer durably unless one is stored. Returns the stored one. */
  keepAnswer(text: string): Promise<string>;
  /** Replaces the key `damaged` unless another run has replaced it already. Returns the stored one. */
  replaceKey(damaged: string, keyPem: string): Promise<string>;
  /** Replaces the answer `damaged` unless another run has replaced it already. Returns the stored one. */
  replaceAnswer(damaged: string, text: string): Promise<string>;
  /** Discards a key that cannot lead to an answer, if nothing else is stored. */
  discardKey(keyPem: string): Promise<void>;
  /** Removes an answer, if it is `damaged`. */
  discardAnswer(damaged: string): Promise<void>;
  /** Returns the last posting of the code to a server that counts every posting, or undefined. */
  findPosting(): Promise<Posting | undefined>;
  /** Records durably that posting `number` is about to happen; false if another run has recorded that number or a later one. */
  beginPosting(posting: Posting): Promise<boolean>;
  /** Deletes the record of a posting that counted nothing. */
  cancelPosting(number: number): Promise<void>;
  /** Stores the outcome for the operator. */
  keepOutcome(outcome: RedemptionOutcome): Promise<void>;
}

/** A posting of a code, about to happen or past; `number` counts from 1. */
export interface Posting {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How a redemption ended well. */
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
 * Opens the state stored under `id` (lower-case hex); creates its directory if there is none. Rejects with RedemptionError
 * `not_writable` if nothing can be stored there, as the methods of the result do.
 */
export type OpenPendingRedemption = (id: string) => Promise<PendingRedemption>;

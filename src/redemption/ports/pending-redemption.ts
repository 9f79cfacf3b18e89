/** What is kept of one token's redemption on the requesting site, so that it can be taken up again at any point. */
export interface PendingRedemption {
  /** What people call the kept key and the kept answer. */
  readonly places: { readonly key: string; readonly answer: string };
  /** PEM of the private key: the kept one, else what `make` gives, kept durably before this resolves. One for all. */
  ensureKey(make: () => Promise<string>): Promise<string>;
  /** The answer that was kept, or undefined. */
  findAnswer(): Promise<string | undefined>;
  /** Keeps an answer durably unless one is kept; gives the one that is kept then. */
  keepAnswer(text: string): Promise<string>;
  /** Keeps a key in the place of `damaged`, unless another run has replaced that one already; gives the one that is kept then. */
  replaceKey(damaged: string, keyPem: string): Promise<string>;
  /** Keeps an answer in the place of `damaged`, unless another run has replaced that one already; gives the one that is kept then. */
  replaceAnswer(damaged: string, text: string): Promise<string>;
  /** Told that a key has led to nothing and will not: where it is all that is kept, it need not be kept. */
  discardKey(keyPem: string): Promise<void>;
  /** Removes an answer, if it is `damaged`. */
  discardAnswer(damaged: string): Promise<void>;
  /** The last posting of the code to a server that counts every posting, or undefined. */
  findPosting(): Promise<Posting | undefined>;
  /** Notes durably that posting `number` is about to happen; false if another run has noted that number, or a later one. */
  beginPosting(posting: Posting): Promise<boolean>;
  /** Takes the note of a posting back: it is known to have counted nothing. */
  cancelPosting(number: number): Promise<void>;
  /** Keeps the outcome, for people. */
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
 * Opens what is kept under `id` (lower-case hex), making room for it if there is none. Rejects with RedemptionError
 * `not_writable` when nothing can be kept there; so do the methods of what it gives.
 */
export type OpenPendingRedemption = (id: string) => Promise<PendingRedemption>;

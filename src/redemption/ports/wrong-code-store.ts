/**
 * Requests with a wrong code for one grant. Their names and subjects are not recorded: a client without the code can send any.
 */
export interface WrongCodes {
  readonly count: number;
  /** When the last one arrived, milliseconds since the epoch. */
  readonly lastAt: number;
  /** The address of its client. */
  readonly lastPeer: string;
}

/** The requests with a wrong code for a grant that exists. */
export interface WrongCodesOfGrant extends WrongCodes {
  readonly grantUid: string;
  readonly grantName: string;
  readonly namespace: string;
}

/**
 * The part of a store that counts requests with a wrong code: one counter for each grant, outside the ledger. A cluster
 * deletes a counter an hour after the last such request. Rejects as the other methods of the GrantStore do.
 */
export interface WrongCodeStore {
  /** Adds requests to the counter of a grant; does nothing if there is no such grant. */
  addWrongCodes(grantUid: string, requests: WrongCodes): Promise<void>;
  /** Returns the counter of a grant; undefined if no request with a wrong code was counted. */
  findWrongCodes(grantUid: string): Promise<WrongCodes | undefined>;
}

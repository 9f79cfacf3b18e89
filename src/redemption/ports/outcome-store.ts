/** The result of a creation that can be repeated; stored before the grant or token is created. */
export interface StoredOutcome {
  /** Hash of the caller and its idempotency key. */
  readonly id: string;
  /** Id of the master key that `sealed` is encrypted with. */
  readonly kid: string;
  /** Hash of the request. */
  readonly request: string;
  /** Uid of the grant, or id of the token. */
  readonly createdId: string;
  /** The code of the grant or token, encrypted. */
  readonly sealed: Uint8Array;
  /** When the outcome is erased, milliseconds since the epoch. */
  readonly until: number;
}

/** The part of a store that stores the results of creations. Rejects as the other methods of the GrantStore do. */
export interface OutcomeStore {
  /** Stores an outcome if none with its id is stored at `now`. Returns the stored one, so all callers get the same. */
  storeFirstOutcome(outcome: StoredOutcome, now: number): Promise<StoredOutcome>;
}

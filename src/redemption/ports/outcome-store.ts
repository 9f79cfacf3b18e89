/** The result of a repeatable creation, chosen before it is created. */
export interface StoredOutcome {
  /** Hash of the caller and its idempotency key. */
  readonly id: string;
  /** Id of the master key that `sealed` is encrypted with. */
  readonly kid: string;
  /** Hash of the request. */
  readonly request: string;
  /** Uid of the grant, or id of the token. */
  readonly createdId: string;
  /** Its code, encrypted. */
  readonly sealed: Uint8Array;
  /** When it is erased, milliseconds since the epoch. */
  readonly until: number;
}

/** The part of a store that stores the results of creations. Rejects as the other methods of the GrantStore do. */
export interface OutcomeStore {
  /** Stores an outcome unless one of that id is stored at `now`. Returns the stored one, so all callers get the same. */
  claimOutcome(outcome: StoredOutcome, now: number): Promise<StoredOutcome>;
}

/** What a creation that may be asked for again makes, chosen before it is made. */
export interface KeptOutcome {
  /** Hash of who asked, and of what he calls it. */
  readonly id: string;
  /** The master key that the rest is kept under. */
  readonly kid: string;
  /** Differs for every other request. */
  readonly request: string;
  /** Uid of the grant, or id of the token. */
  readonly made: string;
  /** Its code, encrypted. */
  readonly sealed: Uint8Array;
  /** When it is erased, milliseconds since the epoch. */
  readonly until: number;
}

/** The part of a store that keeps what creations come to. Rejects as the whole store does. */
export interface OutcomeStore {
  /** Keeps an outcome, unless one of that id is kept at `now`; gives the one that is kept: all who ask get the same. */
  claimOutcome(outcome: KeptOutcome, now: number): Promise<KeptOutcome>;
}

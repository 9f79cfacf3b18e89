import type { AccessGrant } from '../domain/access-grant.js';
import type { Redemption } from '../domain/redemption.js';
import type { RedemptionErrorCode, Refusal } from '../domain/redemption-error.js';

/** A page of a listing; `next` is passed as `after` for the following page and is absent on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Which part of a listing is wanted: from its beginning, or behind the page that gave `after`. */
export interface PageRequest {
  /** At most this many items; below 1 it is taken as 1, above 1,000 as 1,000. */
  readonly limit: number;
  /** The `next` of an earlier page of the same listing; a RangeError for any other text. */
  readonly after?: string;
}

/** An attempt to redeem that the ledger tells of. */
export interface Attempt {
  /** When it happened last, milliseconds since the epoch. */
  readonly at: number;
  /** `redeemed`, `replayed`, or why it was refused. */
  readonly outcome: 'redeemed' | 'replayed' | RedemptionErrorCode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly redemptionId: string | null;
  /** How often the same refusal happened; 1 for everything else. */
  readonly count: number;
}

/** A refusal after the code was proven, as it is added up in the ledger. */
export interface ProvenRefusal {
  readonly grantUid: string;
  readonly code: RedemptionErrorCode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
}

/**
 * `recorded`: counted, or found under this very id. `replayOf`: another redemption of this grant has the same replay
 * key, and nothing was counted. `refused`: nothing was counted, and why.
 */
export type RecordOutcome = 'recorded' | { readonly replayOf: Redemption } | Refusal;

/**
 * Keeps grants and what was redeemed from them, and decides alone whether a use is left.
 * Every method rejects with RedemptionError `store_unavailable` when the store cannot answer, and has then changed
 * nothing.
 */
export interface GrantStore {
  /** Stores a new grant. A grant of that namespace and name exists: `name_taken`, and nothing is stored. */
  createGrant(grant: AccessGrant): Promise<'created' | 'name_taken'>;
  findGrant(uid: string): Promise<AccessGrant | undefined>;
  findGrantByName(namespace: string, name: string): Promise<AccessGrant | undefined>;
  /** Grants of one namespace, or of all, by namespace and name. */
  listGrants(page: PageRequest & { readonly namespace?: string }): Promise<Page<AccessGrant>>;
  /** Those of all grants that a file declares; costs nothing for each of the others. */
  listDeclaredGrants(page: PageRequest): Promise<Page<AccessGrant>>;
  /** Starts the clock of every grant that has none: Ready since `now`, ending a window later. Tells how many. */
  initializeGrants(now: number): Promise<number>;
  /** Changes what a grant's declaration may change later, at once; false if the grant is unknown. */
  updateGrant(uid: string, change: Pick<AccessGrant, 'redemptionsAllowed' | 'sourceFile'>): Promise<boolean>;
  /** Revokes a grant for good; false if it is unknown or was revoked before. */
  revokeGrant(uid: string, now: number): Promise<boolean>;
  /** Removes a grant, so that its token is `grant_unknown`; its redemptions stay. False if it is unknown. */
  deleteGrant(uid: string): Promise<boolean>;

  findReplay(grantUid: string, replayKey: string): Promise<Redemption | undefined>;
  /**
   * The commit point: stores `redemption` and counts one use of the grant, both or neither, if a use is left, the grant
   * has not ended at `now` and is not revoked. May be repeated under the same id when an outcome is unknown.
   * `repeatLimit` refuses (`repeated_redemption`, with the seconds to wait) when that many stock redemptions of the same
   * name and subject were recorded in the last `windowMs`.
   */
  recordRedemption(
    uid: string,
    redemption: Redemption,
    now: number,
    repeatLimit?: { readonly count: number; readonly windowMs: number },
  ): Promise<RecordOutcome>;
  findRedemption(id: string): Promise<Redemption | undefined>;
  /** Redemptions of one grant, or of all, oldest first. */
  listRedemptions(page: PageRequest & { readonly grantUid?: string }): Promise<Page<Redemption>>;

  /** Notes that a redemption was answered again. */
  recordReplay(redemption: Redemption, peer: string, now: number): Promise<void>;
  /** Adds up a refusal: one row per grant, code, name, subject and peer, at most 1,000 rows a grant. */
  recordRefusal(refusal: ProvenRefusal, now: number): Promise<void>;
  /** The last attempts at a grant, newest first. */
  listAttempts(grantUid: string, limit: number): Promise<readonly Attempt[]>;
  /** Erases sealed answers whose time has passed; tells how many. */
  eraseSealedAnswers(now: number): Promise<number>;

  getSetting(key: string): Promise<string | undefined>;
  putSetting(key: string, value: string): Promise<void>;

  /** Number of grants in each state, for metrics. */
  countGrants(now: number): Promise<Readonly<Record<string, number>>>;
  /** Resolves when the store can be written to now. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

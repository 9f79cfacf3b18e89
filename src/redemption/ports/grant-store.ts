import type { AccessGrant } from '../../domain/access-grant.js';
import type { LabelSelector } from '../../domain/label-selector.js';
import type { LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RedemptionErrorCode, Refusal } from '../../domain/redemption-error.js';
import type { CodeStore, StoredCode } from './code-store.js';
import type { LedgerStore } from './ledger-store.js';
import type { LinkStore } from './link-store.js';
import type { OutcomeStore } from './outcome-store.js';
import type { Page, PageRequest } from './page.js';
import type { RenewalStore } from './renewal-store.js';

/** An attempt to redeem, from the ledger. */
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

/** A refusal after the code was proven, as the ledger counts it. */
export interface ProvenRefusal {
  readonly grantUid: string;
  readonly code: RedemptionErrorCode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
}

/**
 * `recorded`: counted, or found under this id. `replayOf`: another redemption of this grant has the same replay
 * key, and nothing was counted. `refused`: nothing was counted, and why.
 */
export type RecordOutcome = 'recorded' | { readonly replayOf: Redemption } | Refusal;

/** Rules for a redemption beside the grant's limit and end. */
export interface RecordRules {
  /**
   * Refuses (`repeated_redemption`, with the seconds to wait) when that many stock redemptions of the same name and subject
   * were recorded in the last `windowMs`.
   */
  readonly repeatLimit?: { readonly count: number; readonly windowMs: number } | undefined;
  /**
   * The signed code that was presented: one of its uses is counted with the grant's, or the redemption is refused
   * (`code_revoked`, `code_exhausted`).
   */
  readonly signedCode?: Pick<StoredCode, 'jti' | 'uses' | 'expirationTime' | 'subject'> | undefined;
  /**
   * When the request was received, in the unit of `performance.now()`; absent: now. A store that read the grant after this
   * moment, to prove the code, need not read it again before it records.
   */
  readonly receivedAt?: number;
}

/** Changes to a grant; absent fields stay unchanged. */
export type GrantChange = Partial<
  Pick<AccessGrant, 'redemptionsAllowed' | 'sourceFile' | 'policy' | 'expirationWindowMs' | 'expirationTime'>
> &
  LabelsAndNoteChange;

/** A revoked certificate for a CRL. Times are milliseconds since the epoch. */
export interface RevokedCertificate {
  /** Serial number, lower-case hex. */
  readonly serial: string;
  readonly revokedAt: number;
  readonly notAfter: number;
}

/** How many grants of a namespace request an issuer. */
export interface IssuerUse extends Pick<AccessGrant, 'namespace' | 'issuer'> {
  readonly grants: number;
}

/**
 * Stores grants and their redemptions. Only the store decides whether a use is left.
 * Every method rejects with RedemptionError `store_unavailable` when the store cannot answer, and has then changed
 * nothing.
 */
export interface GrantStore extends CodeStore, RenewalStore, LinkStore, LedgerStore, OutcomeStore {
  /**
   * Stores a new grant that `code` redeems, and returns the stored grant: in a cluster the API server chooses the uid.
   * Returns `name_taken` and stores nothing if a grant of that namespace and name exists.
   */
  createGrant(grant: AccessGrant, code: string): Promise<AccessGrant | 'name_taken'>;
  /** `redemptions` may be outdated if other processes redeem too; only {@link recordRedemption} decides. */
  findGrant(uid: string): Promise<AccessGrant | undefined>;
  findGrantByName(namespace: string, name: string): Promise<AccessGrant | undefined>;
  /**
   * Grants of one namespace, or of all, by namespace and name; only those with the selected labels. A page of selected grants
   * may have fewer than its limit, even none, before the last page.
   */
  listGrants(
    page: PageRequest & { readonly namespace?: string; readonly labels?: LabelSelector },
  ): Promise<Page<AccessGrant>>;
  /** Lists the grants that files declare. The number of other grants does not affect its cost. */
  listDeclaredGrants(page: PageRequest): Promise<Page<AccessGrant>>;
  /** Makes every grant that is not ready yet Ready at `now`, with an end one window later. Returns their number. */
  initializeGrants(now: number): Promise<number>;
  /** Changes a grant at once; false if it is unknown. */
  updateGrant(uid: string, change: GrantChange): Promise<boolean>;
  /**
   * Revokes a grant permanently; false if it is unknown or was revoked before. With `cascade` all its redemptions are
   * revoked in the same transaction, even if the grant was revoked before.
   */
  revokeGrant(uid: string, now: number, cascade?: boolean): Promise<boolean>;
  /** Deletes a grant, so that its token is `grant_unknown`; its redemptions stay. False if it is unknown. */
  deleteGrant(uid: string): Promise<boolean>;

  /** Returns the redemption of a grant with that replay key. */
  findReplay(grantUid: string, replayKey: string): Promise<Redemption | undefined>;
  /**
   * The commit point: stores `redemption` and counts one use of the grant, both or neither, if a use is left, the grant
   * has not ended at `now` and is not revoked. May be repeated under the same id when an outcome is unknown.
   */
  recordRedemption(
    uid: string,
    redemption: Redemption,
    now: number,
    rules?: RecordRules,
  ): Promise<RecordOutcome>;
  /**
   * Records `redemption` as the only use of a grant that is created for it and deleted in the same transaction, so the grant
   * is never visible. May be repeated under the same id if an outcome is unknown.
   */
  recordSingleUse(grant: AccessGrant, redemption: Redemption, now: number): Promise<RecordOutcome>;
  findRedemption(id: string): Promise<Redemption | undefined>;
  /**
   * Redemptions of one grant, or of all, made at `since` or later, oldest first; with the name of the grant in a store that
   * records it with the redemption. `labels` selects as in {@link listGrants}.
   */
  listRedemptions(
    page: PageRequest & {
      readonly grantUid?: string;
      readonly since?: number;
      readonly labels?: LabelSelector;
    },
  ): Promise<Page<Redemption & { readonly grantName?: string }>>;

  /** Changes labels and note of a redemption; false if it is unknown. The ledger records no change. */
  updateRedemption(id: string, change: LabelsAndNoteChange): Promise<boolean>;
  /** Revokes a redemption permanently; false if it is unknown or was revoked before. */
  revokeRedemption(id: string, now: number): Promise<boolean>;
  /** Every certificate of revoked redemptions that the CA with this SHA-256 signed and that is valid at `now`, in any order. */
  listRevokedCertificates(issuerSha256: string, now: number): Promise<readonly RevokedCertificate[]>;

  /** Records a replay: as an entry once a day, and otherwise counted as refusals are. */
  recordReplay(redemption: Redemption, peer: string, now: number): Promise<void>;
  /** Counts a refusal: one row for each grant, code, name, subject and peer, at most 1,000 rows for a grant. */
  recordRefusal(refusal: ProvenRefusal, now: number): Promise<void>;
  /** The last attempts at a grant, newest first. */
  listAttempts(grantUid: string, limit: number): Promise<readonly Attempt[]>;
  /** Erases expired sealed answers and stored outcomes. Returns their number. */
  eraseSealedAnswers(now: number): Promise<number>;

  getSetting(key: string): Promise<string | undefined>;
  putSetting(key: string, value: string): Promise<void>;
  /** Increments the number stored under a key to at least `atLeast` and returns it. No two calls return the same number. */
  nextNumber(key: string, atLeast: number): Promise<number>;

  /** Whether a grant that was created before `madeBefore` is not revoked and did not end before `endedAfter`. */
  hasGrantMadeBefore(madeBefore: number, endedAfter: number): Promise<boolean>;
  /** Number of grants in each state, for metrics. */
  countGrants(now: number): Promise<Readonly<Record<string, number>>>;
  /** Number of grants that are pending or ready, by namespace and requested issuer, in any order. */
  countGrantsByIssuer(now: number): Promise<readonly IssuerUse[]>;
  /** Writes to the store, and resolves if that succeeded. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

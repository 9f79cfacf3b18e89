import type { AccessGrant, AccessGrantState, GrantChange } from '../../domain/access-grant.js';
import type { Actor } from '../../domain/actor.js';
import type { Renewal } from '../../domain/issued-certificate.js';
import type { LabelSelector } from '../../domain/label-selector.js';
import type { LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { Redemption } from '../../domain/redemption.js';
import type { RedemptionErrorCode, Refusal } from '../../domain/redemption-error.js';
import type { CodeStore, StoredCode } from './code-store.js';
import type { LedgerStore } from './ledger-store.js';
import type { LinkStore } from './link-store.js';
import type { Matches, Page, PageRequest } from './page.js';
import type { RenewalStore } from './renewal-store.js';
import type { WrongCodeStore } from './wrong-code-store.js';

/** A redemption as a store returns it. */
export interface StoredRedemption extends Redemption {
  /** Name of its grant; absent if the store does not record it with the redemption. */
  readonly grantName?: string;
}

/** The fields of a redemption that a listing omits, so that ten thousand redemptions need little memory. */
export type UnlistedField = 'certificate' | 'policy' | 'sealedAnswer';

/** A redemption as a listing returns it. */
export interface ListedRedemption extends Omit<StoredRedemption, UnlistedField> {
  /** Its last renewal; absent if it was never renewed. */
  readonly newest?: ListedRenewal;
}

/** A renewal in a listing of redemptions. */
export type ListedRenewal = Omit<Renewal, 'certificate'>;

/** An attempt to redeem a grant, from the ledger. */
export interface Attempt {
  /** When it last happened, milliseconds since the epoch. */
  readonly at: number;
  /** `redeemed`, `replayed`, or why it was refused. */
  readonly outcome: 'redeemed' | 'replayed' | RedemptionErrorCode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly redemptionId: string | null;
  /** Id of the signed token; null for the code of the grant. Of a refusal, that of the last request. */
  readonly jti: string | null;
  /** How often the same refusal happened; 1 for other outcomes. */
  readonly count: number;
}

/** A refusal of a request with a valid code, as the ledger counts it. */
export interface ProvenRefusal {
  readonly grantUid: string;
  readonly code: RedemptionErrorCode;
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  /** Id of the signed token; absent for the code of the grant, and for a renewal. */
  readonly jti?: string | undefined;
}

/**
 * `recorded`: the use is counted, by this call or by an earlier one with the same id. `replayOf`: another redemption of this
 * grant has the same replay key, and nothing was counted. `refused`: why nothing was counted.
 */
export type RecordOutcome = 'recorded' | { readonly replayOf: Redemption } | Refusal;

/** Conditions for recording a redemption, in addition to the grant's limit and expiration time. */
export interface RecordRules {
  /**
   * Refuses (`repeated_redemption`, with the seconds to wait) if `count` redemptions (mode `stock`) of the same name and
   * subject were recorded in the last `windowMs`.
   */
  readonly repeatLimit?: { readonly count: number; readonly windowMs: number } | undefined;
  /**
   * The signed code that was presented: one of its uses is counted together with the grant's use, or the redemption is
   * refused (`code_revoked`, `code_exhausted`). `limit` is how many uses it allows now, if that changes; by default `uses`. The
   * redemption `replaces` is revoked: in the same transaction, or in a cluster before this redemption is returned, as recorded or
   * as a replay.
   */
  readonly signedCode?:
    | (Pick<StoredCode, 'jti' | 'uses' | 'expirationTime' | 'subject'> & {
        readonly limit?: number;
        readonly replaces?: string;
      })
    | undefined;
  /**
   * When the request was received, in the unit of `performance.now()`; absent: now. A store that read the grant after this
   * moment, to prove the code, need not read it again before it records.
   */
  readonly receivedAt?: number;
}

/** Number of pending or ready grants in a namespace that request an issuer; null is the default issuer. */
export interface IssuerUse extends Pick<AccessGrant, 'namespace' | 'issuer'> {
  readonly grants: number;
}

/**
 * Stores grants and their redemptions. Only the store decides whether a use is left. Every method rejects with RedemptionError
 * `store_unavailable` if the store cannot answer; whether a write was done may then be unknown.
 */
export interface GrantStore extends CodeStore, RenewalStore, LinkStore, LedgerStore, WrongCodeStore {
  /**
   * Returns this store for one actor: the ledger entries of its writes name the actor. Without an actor the entries are about requests
   * of clients.
   */
  actingAs(actor: Actor): GrantStore;

  /**
   * Stores a new grant that `code` redeems, and returns the stored grant: in a cluster the API server chooses the uid.
   * Returns `name_taken` and stores nothing if a grant of that namespace and name exists.
   */
  createGrant(grant: AccessGrant, code: string): Promise<AccessGrant | 'name_taken'>;
  /** `redemptions` may be outdated if other processes redeem too; only {@link recordRedemption} decides. */
  findGrant(uid: string): Promise<AccessGrant | undefined>;
  findGrantByName(namespace: string, name: string): Promise<AccessGrant | undefined>;
  /**
   * Lists the grants of one namespace, or of all, in the order of namespace and name. With `labels` or `matches` only the
   * selected grants, and a page before the last one may have fewer items than the limit, or none.
   */
  listGrants(
    page: PageRequest & {
      readonly namespace?: string | undefined;
      readonly labels?: LabelSelector | undefined;
    },
    matches?: Matches<AccessGrant>,
  ): Promise<Page<AccessGrant>>;
  /** Changes a grant; false if it is unknown. Concurrent changes of different fields, rules or labels all apply. */
  updateGrant(uid: string, change: GrantChange): Promise<boolean>;
  /**
   * Revokes a grant permanently; false if it is unknown or was revoked before. With `cascade` also revokes all its redemptions,
   * even if the grant was revoked before: in the same transaction, but in a cluster one after the other.
   */
  revokeGrant(uid: string, now: number, cascade?: boolean): Promise<boolean>;
  /** Deletes a grant, so that its token is `grant_unknown`; its redemptions stay. False if it is unknown. */
  deleteGrant(uid: string): Promise<boolean>;

  /** Returns the grant's redemption with this replay key; undefined if there is none. */
  findReplay(grantUid: string, replayKey: string): Promise<Redemption | undefined>;
  /**
   * The commit point of a redemption: stores it and counts one use of the grant, both or neither, if a use is left and the
   * grant has not expired at `now` and is not revoked. May be repeated with the same id if the outcome is unknown.
   */
  recordRedemption(
    uid: string,
    redemption: Redemption,
    now: number,
    rules?: RecordRules,
  ): Promise<RecordOutcome>;
  /**
   * Records `redemption` as the only use of `grant`, which is never visible: it is created and deleted in the same transaction,
   * or in a cluster not created at all. May be repeated with the same id if the outcome is unknown.
   */
  recordSingleUse(grant: AccessGrant, redemption: Redemption, now: number): Promise<RecordOutcome>;
  findRedemption(id: string): Promise<StoredRedemption | undefined>;
  /**
   * Lists the redemptions of one grant, or of all, at `since` or later, oldest first. `labels` and `matches` select as in
   * {@link listGrants}.
   */
  listRedemptions(
    page: PageRequest & {
      readonly grantUid?: string | undefined;
      readonly since?: number | undefined;
      readonly labels?: LabelSelector | undefined;
    },
    matches?: Matches<ListedRedemption>,
  ): Promise<Page<ListedRedemption>>;

  /** Changes labels and note of a redemption; false if it is unknown. The ledger does not record this. */
  updateRedemption(id: string, change: LabelsAndNoteChange): Promise<boolean>;
  /** Revokes a redemption permanently; false if it is unknown or was revoked before. */
  revokeRedemption(id: string, now: number): Promise<boolean>;

  /**
   * Records a replay: the first one of a day as a ledger entry; counts further ones as `recordRefusal` does. In a cluster all
   * of them are only counted.
   */
  recordReplay(redemption: Redemption, peer: string, now: number): Promise<void>;
  /**
   * Records that an identity, whose uses are counted in the record `jti`, presented another key after it had used the grant: the
   * first time in a day as a ledger entry about its last redemption, as {@link recordReplay} does. Returns the address of the client
   * of that redemption; undefined if it does not exist.
   */
  recordIdentityConflict(
    conflict: { readonly grantUid: string; readonly jti: string; readonly peer: string },
    now: number,
  ): Promise<string | undefined>;
  /** Counts a refusal: one row for each grant, code, name, subject and peer, at most 1,000 rows for a grant. */
  recordRefusal(refusal: ProvenRefusal, now: number): Promise<void>;
  /** Returns the last attempts to redeem a grant, newest first. */
  listAttempts(grantUid: string, limit: number): Promise<readonly Attempt[]>;
  /** Erases the encrypted private keys and stored outcomes that have expired. Returns their number. */
  eraseSealedAnswers(now: number): Promise<number>;

  /** Returns a setting of the service; in a cluster always undefined, because its service stores no settings. */
  getSetting(key: string): Promise<string | undefined>;

  /** True if a grant was created before `createdBefore`, is not revoked, and expires after `expiresAfter` or is still pending. */
  hasGrantCreatedBefore(createdBefore: number, expiresAfter: number): Promise<boolean>;
  countGrants(now: number): Promise<Readonly<Record<AccessGrantState, number>>>;
  /** Counts the grants that are pending or ready, by namespace and requested issuer, in any order. */
  countGrantsByIssuer(now: number): Promise<readonly IssuerUse[]>;
  probe(): Promise<void>;
  close(): Promise<void>;
}

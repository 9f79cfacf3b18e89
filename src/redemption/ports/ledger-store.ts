import type { LedgerKind, ListedKind } from '../../domain/ledger-kind.js';
import type { Matches, Page, PageRequest } from './page.js';

/** An entry of a grant's ledger. Times are milliseconds since the epoch. */
export interface LedgerEntry {
  readonly grantUid: string;
  /** Number of the entry among those of its grant, from 1 without gaps. */
  readonly seq: number;
  readonly at: number;
  readonly kind: LedgerKind;
  readonly redemptionId: string | null;
  /**
   * Further facts by name: jti, name, subject, peer, number (of a renewal), serial, keySha256,
   * certificateSha256, notAfter, redemptionsAllowed, uses, expirationTime, setting (its key), code and count (of refusals),
   * firstAt (of a total), replaces and replacedBy (ids of redemptions), and the members of the Actor.
   */
  readonly detail: Readonly<Record<string, string | number>>;
}

/** An item in a listing of the ledger: an entry, or a total of attempts, which has no `seq` and the time of the last attempt. */
export interface ListedEntry extends Omit<LedgerEntry, 'seq' | 'kind'> {
  readonly seq?: number;
  readonly kind: ListedKind;
  /** Name of the grant, also of a deleted one; absent if it is not known. */
  readonly grantName?: string;
}

/** An entry about a redemption; without `seq` in a store that derives the ledger from other records. */
export type RedemptionEntry = Omit<LedgerEntry, 'seq'> & Partial<Pick<LedgerEntry, 'seq'>>;

/** Attempts that are counted in one row. Times are milliseconds since the epoch. */
export interface AttemptTotal {
  readonly grantUid: string;
  /** `replayed`, `superseded`, or why they were refused. */
  readonly code: string;
  /** Empty, as are subject and peer, in the row that counts all attempts beyond the limit of rows. */
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  /** Id of the signed token of the last request; null for the code of the grant, and if the total is of no single site. */
  readonly jti: string | null;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The first fault that verification found in the ledger. */
export interface LedgerFault {
  /** Null if the fault belongs to no known grant. */
  readonly grantUid: string | null;
  /** Number of the wrong entry; null if the fault is not about one entry. */
  readonly seq: number | null;
  /** The fault as the end of a sentence about the entry, the grant or the ledger. */
  readonly problem: string;
  /** True if the store is an earlier copy, or lacks the mark of its ledger: a service refuses it too. */
  readonly isRolledBack?: true;
}

/** The result of a verification: number of correct entries, and the first fault. */
export interface LedgerVerdict {
  readonly entries: number;
  readonly fault?: LedgerFault;
  /** True if the store has no chain of MACs, so that nothing could be verified. */
  readonly unchained?: true;
}

/** The part of the ledger to list: of one grant or of all, of one kind or of all, from `since` until before `until`. */
export interface LedgerPage extends PageRequest {
  readonly grantUid?: string | undefined;
  readonly kind?: ListedKind | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /**
   * A printable ASCII text that the actor, or its name, of each wanted item contains, ignoring the case of ASCII letters. A store may
   * use it to read fewer items.
   */
  readonly actorPart?: string | undefined;
  /** The same for the subject. */
  readonly subjectPart?: string | undefined;
}

/** The codes of totals that count no refusals, or refusals that another total counts too. Each is also a kind of entry. */
export const UNREFUSED = ['replayed', 'superseded', 'identity_conflict'] as const satisfies LedgerKind[];

/** Returns a total of attempts as an item in a listing of the ledger. */
export function totalEntry(total: AttemptTotal): ListedEntry {
  const { grantUid, code, jti, count, firstAt, lastAt, ...client } = total;
  const kind = UNREFUSED.find((one) => one === code) ?? 'refused';
  const detail = {
    ...(kind === 'refused' && { code }),
    ...client,
    ...(jti !== null && { jti }),
    count,
    firstAt,
  };
  return { grantUid, at: lastAt, kind, redemptionId: null, detail };
}

/** The part of a store that contains the ledger. Rejects as the other methods of the GrantStore do. */
export interface LedgerStore {
  /**
   * Lists the entries, and the totals of attempts, that `matches` accepts, newest first. A later page has only what is older than
   * the page before it: a newer entry that is added meanwhile is in no later page, and a total that rises is at its new place.
   */
  listLedger(page: LedgerPage, matches?: Matches<ListedEntry>): Promise<Page<ListedEntry>>;
  /** Lists the last entries about one redemption, oldest first. The cost does not depend on its grant's other entries. */
  listRedemptionEntries(redemptionId: string, limit: number): Promise<readonly RedemptionEntry[]>;
  /**
   * Checks that the ledger has all entries that this host has recorded. Then compares the entries of all grants, or of one, with
   * their MACs and with the stored redemptions, renewals and revocations. Calls `onProgress` with the number of checked entries
   * and of all entries of the ledger.
   */
  verifyLedger(
    grantUid?: string,
    onProgress?: (checked: number, total: number) => void,
  ): Promise<LedgerVerdict>;
  /**
   * Deletes grants that no file declares and that expired or were revoked before `endedBefore`, at most a hundred. Returns
   * their number.
   */
  deleteEndedGrants(endedBefore: number, now: number): Promise<number>;
  /**
   * Deletes the ledger, redemptions and codes of one or more grants that were deleted and whose certificates all expired before
   * `endedBefore`. A ledger with a fault stays. Returns true if there may be more.
   */
  removeOldLedger(endedBefore: number): Promise<boolean>;
}

import type { Page, PageRequest } from './page.js';

/** What a ledger entry tells of. */
export type LedgerKind =
  // A grant was created, or its limits, rules, end or file changed.
  | 'created'
  | 'changed'
  | 'redeemed'
  | 'replayed'
  | 'renewed'
  | 'superseded'
  | 'revoked'
  | 'grant_revoked'
  // A signed code was issued, or redeemed or revoked for the first time if it was minted elsewhere.
  | 'code_recorded'
  | 'code_revoked'
  | 'deleted'
  // A setting of the store, such as the address and CA that tokens carry. Of no grant: its `grantUid` is empty.
  | 'setting_changed';

/** An entry of a grant's ledger. Times are milliseconds since the epoch. */
export interface LedgerEntry {
  readonly grantUid: string;
  /** 1 for the first entry of a grant, then 2, without a gap. */
  readonly seq: number;
  readonly at: number;
  readonly kind: LedgerKind;
  readonly redemptionId: string | null;
  /**
   * What else is to be told, by name: jti, name, subject, peer, number (of a renewal), serial, keySha256,
   * certificateSha256, notAfter, redemptionsAllowed, uses, expirationTime, setting (its key).
   */
  readonly detail: Readonly<Record<string, string | number>>;
}

/** Attempts of one kind that are added up in one row. Times are milliseconds since the epoch. */
export interface AttemptTotal {
  readonly grantUid: string;
  /** Why they were refused, or `replayed` or `superseded`. */
  readonly code: string;
  /** Empty, as subject and peer are, in the row that takes what found no room in one of its own. */
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** The first thing that is wrong with the ledger. */
export interface LedgerFault {
  /** Null where it is known of no grant. */
  readonly grantUid: string | null;
  /** The entry that is wrong, or the first of those that are missing; null where it is no entry. */
  readonly seq: number | null;
  /** What is wrong, as the end of a sentence about the entry, the grant or the ledger. */
  readonly problem: string;
}

/** How many entries were read and found right, and the first fault if there is one. */
export interface LedgerVerdict {
  readonly entries: number;
  readonly fault?: LedgerFault;
  /** True where a store keeps no chain of codes, so that nothing could be held against anything. */
  readonly unchained?: true;
}

/** Which part of the ledger is listed: all, or what is of one grant, or of no time before `since`. */
export interface LedgerPage extends PageRequest {
  readonly grantUid?: string;
  readonly since?: number;
}

/** The part of a store that keeps the ledger. Rejects as the whole store does. */
export interface LedgerStore {
  /** Entries by grant and number. */
  listLedger(page: LedgerPage): Promise<Page<LedgerEntry>>;
  /** What is added up, by grant, code, name, subject and peer; `since` goes by the last time. */
  listAttemptTotals(page: LedgerPage): Promise<Page<AttemptTotal>>;
  /**
   * Holds the ledger of every grant, or of one, against its codes and against what the store keeps of redemptions,
   * renewals and revocations. Holds up the process that asks until it is done.
   */
  verifyLedger(grantUid?: string): Promise<LedgerVerdict>;
  /**
   * Deletes grants that no file declares and that expired or were revoked before `endedBefore`, at most a hundred; tells
   * how many.
   */
  deleteEndedGrants(endedBefore: number, now: number): Promise<number>;
  /**
   * Removes for good what is kept of one deleted grant if all its certificates ended, and it was deleted, before
   * `endedBefore`; true if it looked at one, and there may be
   * more. A ledger that is not whole stays.
   */
  removeOldLedger(endedBefore: number): Promise<boolean>;
}

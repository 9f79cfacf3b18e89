import type { Page, PageRequest } from './page.js';

/** What a ledger entry tells of. */
export type LedgerKind =
  | 'redeemed'
  | 'replayed'
  | 'renewed'
  | 'superseded'
  | 'revoked'
  | 'grant_revoked'
  | 'code_revoked'
  | 'deleted';

/** An entry of a grant's ledger. Times are milliseconds since the epoch. */
export interface LedgerEntry {
  readonly grantUid: string;
  /** 1 for the first entry of a grant, then 2, without a gap. */
  readonly seq: number;
  readonly at: number;
  readonly kind: LedgerKind;
  readonly redemptionId: string | null;
  /** What else is to be told, by name: jti, name, subject, peer, serial, keySha256, certificateSha256, notAfter. */
  readonly detail: Readonly<Record<string, string | number>>;
}

/** The first thing that is wrong with the ledger. */
export interface LedgerFault {
  readonly grantUid: string;
  /** The entry that is wrong; where entries at the end are missing, the first of them. */
  readonly seq: number;
  /** What is wrong, as the end of a sentence about the entry. */
  readonly problem: string;
}

/** The part of a store that keeps the ledger. Rejects as the whole store does. */
export interface LedgerStore {
  /** Entries of one grant, or of all, by grant and number. */
  listLedger(
    page: PageRequest & { readonly grantUid?: string; readonly since?: number },
  ): Promise<Page<LedgerEntry>>;
  /** Recomputes the chain of every grant, or of one; tells how many entries are right, and the first fault. */
  verifyLedger(grantUid?: string): Promise<{ readonly entries: number; readonly fault?: LedgerFault }>;
}

import type { LedgerEntry } from './ledger-store.js';

/** A ledger entry with its position in the order of commits. */
export interface CommittedEntry {
  /** Number of the entry among all entries of the store, from 1. */
  readonly position: number;
  /** Absent if retention has removed the content of the entry. */
  readonly entry?: LedgerEntry;
  /**
   * Namespace of its grant. Absent for an entry about the whole store; also if the grant was deleted and the entry is not about
   * a redemption.
   */
  readonly namespace?: string;
  /** Name of its grant; absent if the grant was deleted, and for an entry about the whole store. */
  readonly grant?: string;
}

/** The part of a store that webhooks are delivered from. Rejects as the methods of the GrantStore do. */
export interface WebhookStore {
  /** Lists the entries after a position, in the order of their commits. */
  listCommitted(after: number, limit: number): Promise<readonly CommittedEntry[]>;
  /** Returns the position of the last entry; 0 without entries. */
  lastPosition(): Promise<number>;
  /**
   * Claims the delivery for the process `owner` until the time `until` (milliseconds since the epoch). Returns false while
   * another process has the claim. A process extends its claim by another call, and releases it with `until` equal to `now`.
   */
  claimDelivery(owner: string, now: number, until: number): Promise<boolean>;
}

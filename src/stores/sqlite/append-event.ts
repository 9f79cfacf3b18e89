import type { SqliteConnection } from './connection.js';

/** An entry of a grant's ledger. */
export interface LedgerEvent {
  readonly grantUid: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: 'redeemed' | 'replayed' | 'revoked' | 'deleted';
  readonly redemptionId?: string;
  /** What else is to be told, kept as JSON. */
  readonly detail?: { readonly peer: string };
}

const APPEND = `INSERT INTO events (grant_uid, seq, at, kind, redemption_id, detail)
  VALUES (?, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE grant_uid = ?), ?, ?, ?, ?)`;

/** Adds an entry behind a grant's last one, in the transaction that is open. */
export function appendEvent(connection: SqliteConnection, event: LedgerEvent): void {
  const { grantUid, at, kind, redemptionId = null, detail } = event;
  const json = detail ? JSON.stringify(detail) : null;
  connection.statement(APPEND).run(grantUid, grantUid, at, kind, redemptionId, json);
}

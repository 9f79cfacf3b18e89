import type { LedgerKind } from '../../../domain/ledger-kind.js';
import type { DatabaseStore } from '../../../redemption/ports/database-store.js';
import type { LedgerEntry } from '../../../redemption/ports/ledger-store.js';
import { IN_CHAIN, rows } from '../operation.js';
import type { SqlDatabase } from '../sql-database.js';
import { verifyLedger } from './verify-ledger.js';

/** The select list of a query that returns {@link EventRow}s; the tables are `e` and `r`. */
export const EVENT_FIELDS = `e.grant_uid AS "grantUid", e.seq, e.at, e.kind, e.redemption_id AS "redemptionId", e.detail,
  r.jti, r.name, r.subject`;
const ENTRIES = 'FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id';
const LIST_REDEMPTION = `SELECT ${EVENT_FIELDS} ${ENTRIES} WHERE e.redemption_id = ? AND ${IN_CHAIN}
  ORDER BY e.seq DESC LIMIT ?`;

/** An entry as an SQL driver returns it, with columns of its redemption; `kind` is null if retention has removed the content. */
export interface EventRow extends Omit<LedgerEntry, 'kind' | 'detail'> {
  readonly kind: LedgerKind | null;
  readonly detail: string | null;
  readonly jti: string | null;
  readonly name: string | null;
  readonly subject: string | null;
}

/** Returns the entry of a row. */
export function entryOf({ detail: text, jti, name, subject, ...entry }: EventRow): LedgerEntry {
  // The hashes of rows are for verification only.
  const { row: _row, basis: _basis, ...detail } = JSON.parse(text ?? '{}') as Record<string, string | number>;
  return {
    ...entry,
    kind: entry.kind as LedgerKind,
    detail: {
      ...(jti !== null && { jti }),
      ...(name !== null && subject !== null && { name, subject }),
      ...detail,
    },
  };
}

/** Implements the reads of the LedgerStore on an SQL database. */
export function ledgerReads({ dialect, read, readSnapshot }: SqlDatabase) {
  return {
    listRedemptionEntries: (redemptionId, limit) =>
      read(function* () {
        return (yield* rows<EventRow>(LIST_REDEMPTION, redemptionId, limit)).map(entryOf).reverse();
      }),
    async verifyLedger(grantUid, onProgress) {
      // Read before the snapshot of the verification, which must contain these marks. The marks are read in a snapshot too: a
      // snapshot opens an SQLite file again if it was replaced, so both read the same file.
      const seen = await readSnapshot((ledger) => ledger.highWaterMarks());
      const options = { grantUid, seen, onProgress };
      return readSnapshot((ledger) => verifyLedger(ledger, dialect, options));
    },
  } satisfies Partial<DatabaseStore>;
}

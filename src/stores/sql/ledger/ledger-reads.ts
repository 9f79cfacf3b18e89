import type { LedgerKind } from '../../../domain/ledger-kind.js';
import type { DatabaseStore } from '../../../redemption/ports/database-store.js';
import type { AttemptTotal, LedgerEntry, LedgerPage } from '../../../redemption/ports/ledger-store.js';
import { type Page, pageOf, rowsToRead, selectItems, startOf } from '../../../redemption/ports/page.js';
import { IN_CHAIN, rows, type SqlOperation } from '../operation.js';
import type { SqlDatabase } from '../sql-database.js';
import { verifyLedger } from './verify-ledger.js';

/** The select list of a query that returns {@link EventRow}s; the tables are `e` and `r`. */
export const EVENT_FIELDS = `e.grant_uid AS "grantUid", e.seq, e.at, e.kind, e.redemption_id AS "redemptionId", e.detail,
  r.jti, r.name, r.subject`;
const SELECT_ENTRIES = `SELECT ${EVENT_FIELDS}
  FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id`;
const LIST = `${SELECT_ENTRIES} WHERE (e.grant_uid, e.seq) > (?, ?) AND e.at >= ? ORDER BY e.grant_uid, e.seq LIMIT ?`;
const LIST_GRANT = `${SELECT_ENTRIES} WHERE e.grant_uid = ? AND e.seq > ? AND e.at >= ? ORDER BY e.seq LIMIT ?`;
const LIST_REDEMPTION = `${SELECT_ENTRIES} WHERE e.redemption_id = ? AND ${IN_CHAIN}
  ORDER BY e.seq DESC LIMIT ?`;
const SELECT_ATTEMPT_TOTALS = `SELECT grant_uid AS "grantUid", code, name, subject, peer, count,
    first_at AS "firstAt", last_at AS "lastAt"
  FROM refusals WHERE (grant_uid, code, name, subject, peer) > (?, ?, ?, ?, ?) AND last_at >= ?`;
const ORDER = 'ORDER BY grant_uid, code, name, subject, peer LIMIT ?';
const LIST_ATTEMPT_TOTALS = `${SELECT_ATTEMPT_TOTALS} ${ORDER}`;
const LIST_ATTEMPT_TOTALS_OF_GRANT = `${SELECT_ATTEMPT_TOTALS} AND grant_uid = ? ${ORDER}`;

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
    listLedger: async (page, matches) => selectItems(await read(() => listLedger(page)), matches),
    listRedemptionEntries: (redemptionId, limit) =>
      read(function* () {
        return (yield* rows<EventRow>(LIST_REDEMPTION, redemptionId, limit)).map(entryOf).reverse();
      }),
    listAttemptTotals: async (page, matches) =>
      selectItems(await read(() => listAttemptTotals(page)), matches),
    async verifyLedger(grantUid, onProgress) {
      // Read before the snapshot of the verification, which must contain these marks. The marks are read in a snapshot too: a
      // snapshot opens an SQLite file again if it was replaced, so both read the same file.
      const seen = await readSnapshot((ledger) => ledger.highWaterMarks());
      const options = { grantUid, seen, onProgress };
      return readSnapshot((ledger) => verifyLedger(ledger, dialect, options));
    },
  } satisfies Partial<DatabaseStore>;
}

function* listLedger(page: LedgerPage): SqlOperation<Page<LedgerEntry>> {
  const [uid, seq] = startOf(page.after, ['', 0]);
  const { grantUid, since = 0 } = page;
  const limit = rowsToRead(page.limit);
  const found =
    grantUid === undefined
      ? yield* rows<EventRow>(LIST, uid, seq, since, limit)
      : yield* rows<EventRow>(LIST_GRANT, grantUid, seq, since, limit);
  return pageOf(found, page.limit, (entry) => [entry.grantUid, entry.seq], entryOf);
}

function* listAttemptTotals(page: LedgerPage): SqlOperation<Page<AttemptTotal>> {
  const { grantUid, since = 0 } = page;
  const start = startOf(page.after, [grantUid ?? '', '', '', '', '']);
  const limit = rowsToRead(page.limit);
  const found =
    grantUid === undefined
      ? yield* rows<AttemptTotal>(LIST_ATTEMPT_TOTALS, ...start, since, limit)
      : yield* rows<AttemptTotal>(LIST_ATTEMPT_TOTALS_OF_GRANT, ...start, since, grantUid, limit);
  return pageOf(
    found,
    page.limit,
    (row) => [row.grantUid, row.code, row.name, row.subject, row.peer],
    (row) => row,
  );
}

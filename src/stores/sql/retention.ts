import { setImmediate as yieldTurn } from 'node:timers/promises';
import { DAY_MS } from '../../domain/duration.js';
import type { LedgerKind } from '../../domain/ledger-kind.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import { deleteEndedGrants } from './ended-grants.js';
import type { WriteOperation } from './group-commit.js';
import { authenticEntry, type EntryValues } from './ledger/authentic-entry.js';
import { EntryCheck, EntryTotals, entriesQuery } from './ledger/entry-check.js';
import {
  isMac,
  type LedgerRow,
  REFUSAL_COLUMNS,
  type RefusalValues,
  refusalMac,
} from './ledger/ledger-mac.js';
import { differingCount, differingRow } from './ledger/row-counts.js';
import { scopeOf } from './ledger/scope.js';
import { change, chunks, put, rawRows, type SqlDialect, type SqlOperation, value } from './operation.js';
import { deleteRenewal } from './renewals.js';
import type { SqlDatabase } from './sql-database.js';

// Entries that one step checks or removes. Redemptions wait while a step runs.
const STEP = 200;
const DUE = 'SELECT grant_uid FROM expiring_ledgers WHERE check_at < ? ORDER BY check_at LIMIT 1';
const CHECK_AGAIN = 'UPDATE expiring_ledgers SET check_at = ? WHERE grant_uid = ?';
const DELETE_CHECK = 'DELETE FROM expiring_ledgers WHERE grant_uid = ?';
const OF_GRANT_AFTER = `WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
// The entry about the deletion of the grant is removed last: without it the missing grant would be a fault.
const NEWEST_OTHERS = `WHERE e.grant_uid = ? AND e.seq <> ? ORDER BY e.seq DESC LIMIT ${STEP}`;
const DELETED_SEQ = "SELECT max(seq) FROM events WHERE grant_uid = ? AND kind = 'deleted'";
const WITH_SEQ = 'WHERE e.grant_uid = ? AND e.seq = ?';
const REMOVE = (count: number) => `UPDATE events SET grant_uid = NULL, seq = NULL, at = NULL, kind = NULL,
  redemption_id = NULL, detail = NULL WHERE position IN (${Array(count).fill('?').join(', ')})`;
const DELETE_REDEMPTION = 'DELETE FROM redemptions WHERE id = ? AND grant_uid = ?';
const CLEAR_REVOCATION = 'UPDATE redemptions SET revoked_at = NULL WHERE id = ?';
const CLEAR_CODE_REVOCATION = 'UPDATE codes SET revoked_at = NULL WHERE grant_uid = ? AND jti = ?';
const DELETE_CODE = 'DELETE FROM codes WHERE grant_uid = ? AND jti = ?';
const DELETE_REFUSALS = 'DELETE FROM refusals WHERE grant_uid = ?';
const GRANT = 'SELECT 1 FROM grants WHERE uid = ?';
const REFUSALS = `SELECT ${REFUSAL_COLUMNS.join(', ')} FROM refusals
  WHERE grant_uid = ?`;

type RetentionDatabase = Pick<SqlDatabase, 'dialect' | 'read' | 'write'>;

/** Implements the operations of retention of the LedgerStore on an SQL database. */
export function retention({ dialect, read, write }: RetentionDatabase) {
  return {
    deleteEndedGrants: (endedBefore, now) => deleteEndedGrants({ dialect, write }, endedBefore, now),
    removeOldLedger: (endedBefore) => removeOldLedger({ dialect, read, write }, endedBefore),
  } satisfies Partial<DatabaseStore>;
}

async function removeOldLedger(database: RetentionDatabase, endedBefore: number): Promise<boolean> {
  const { read, write } = database;
  const grantUid = await read(() => value(DUE, endedBefore));
  if (typeof grantUid !== 'string') return false;
  const checked = await checkedLedger(database, grantUid);
  if (checked && checked.lastEnd < endedBefore && (await removeChecked(database, checked))) return true;
  // A ledger with a fault stays as evidence, and is checked again each day.
  const checkAt = checked && checked.lastEnd >= endedBefore ? checked.lastEnd : endedBefore + DAY_MS;
  await write(() => put(CHECK_AGAIN, checkAt, grantUid), { grantUid });
  return true;
}

/** The ledger of a deleted grant in which a check found no fault. */
interface CheckedLedger {
  readonly grantUid: string;
  /** The `seq` of the entry about the deletion of the grant. */
  readonly deletedSeq: number;
  /** The highest `seq`. */
  readonly lastSeq: number;
  /** When the grant was deleted, or its last certificate expires. */
  readonly lastEnd: number;
}

/** Checks the ledger of a grant in short steps, between which other operations run. */
async function checkedLedger(
  { dialect, read }: RetentionDatabase,
  grantUid: string,
): Promise<CheckedLedger | undefined> {
  const key = await read((ledger) => ledger.key());
  const check = new EntryCheck(key, grantUid, new EntryTotals());
  const query = `${entriesQuery(dialect)} ${OF_GRANT_AFTER}`;
  let state = await read(() => checkStep(check, query));
  while (state === 'more') {
    await yieldTurn();
    state = await read(() => checkStep(check, query));
  }
  const deletedSeq = await read(() => value(DELETED_SEQ, grantUid));
  // Entries about settings, which have no grant, stay as well: none of them is about a deletion.
  if (state === 'faulty' || check.deletedAt === null || typeof deletedSeq !== 'number') return undefined;
  const lastEnd = Math.max(check.deletedAt, check.totals.lastNotAfter);
  return { grantUid, deletedSeq, lastSeq: check.seq, lastEnd };
}

/** Checks the next entries of a grant. Also returns `faulty` if the grant still exists. */
function* checkStep(check: EntryCheck, query: string): SqlOperation<'more' | 'intact' | 'faulty'> {
  const found = yield* rawRows(query, check.grantUid, check.seq);
  for (const values of found) if (yield* check.next(values)) return 'faulty';
  if (found.length === STEP) return 'more';
  if ((yield* value(GRANT, check.grantUid)) !== undefined) return 'faulty';
  const scope = scopeOf(check.grantUid);
  const fault =
    (yield* check.end()) ?? (yield* differingCount(scope, check.totals)) ?? (yield* differingRow(scope));
  return fault ? 'faulty' : 'intact';
}

/** Removes a ledger in short steps. Returns whether nothing of it is left. */
async function removeChecked(
  { dialect, write }: RetentionDatabase,
  checked: CheckedLedger,
): Promise<boolean> {
  const { grantUid } = checked;
  let state = await write(removeStep(checked, dialect), { grantUid });
  while (state === 'more') {
    await yieldTurn();
    state = await write(removeStep(checked, dialect), { grantUid });
  }
  return state === 'removed';
}

/**
 * For each kind of entry: deletes the row that it describes, or clears the revocation that it records. Verification would report
 * a row or revocation without its entry as a fault. Null if nothing of a deleted grant is left to change.
 */
const ROW_REMOVALS: Readonly<
  Record<LedgerKind, ((row: DescribedRow, grantUid: string) => SqlOperation<unknown>) | null>
> = {
  created: null,
  changed: null,
  redeemed: ({ id }, grantUid) => change(DELETE_REDEMPTION, id, grantUid),
  replayed: null,
  renewed: ({ id, number }) => deleteRenewal(id, number),
  superseded: null,
  identity_conflict: null,
  revoked: ({ id }) => change(CLEAR_REVOCATION, id),
  replaced: null,
  grant_revoked: null,
  code_recorded: ({ jti }, grantUid) => change(DELETE_CODE, grantUid, jti),
  code_revoked: ({ jti }, grantUid) => change(CLEAR_CODE_REVOCATION, grantUid, jti),
  deleted: null,
  repeatedly_refused: null,
  setting_changed: null,
};

/**
 * Deletes the content of up to 200 entries of a deleted grant, newest first, and the rows that they describe. Removes nothing,
 * and returns `faulty`, unless all that it removes is authentic in this transaction: a writer of the database may have moved
 * other entries into the ledger since the check.
 */
function removeStep(
  checked: CheckedLedger,
  dialect: SqlDialect,
): WriteOperation<'more' | 'removed' | 'faulty'> {
  const { grantUid } = checked;
  return function* ({ ledger, undo }) {
    const found = yield* findRemoval(yield* ledger.key(), checked, dialect);
    if (!found) return 'faulty';
    const { entries, refusals, isLast } = found;
    for (const entry of entries) {
      const removeRow = ROW_REMOVALS[entry.kind];
      if (removeRow) yield* removeRow(describedRow(entry), grantUid);
    }
    let removed = 0;
    for (const chunk of chunks(entries)) {
      removed += yield* change(REMOVE(chunk.length), ...chunk.map(({ position }) => position));
    }
    if (removed !== entries.length) {
      yield* undo();
      return 'faulty';
    }
    yield* ledger.countRemoved(entries.map(({ position }) => position));
    if (!isLast) return 'more';
    yield* change(DELETE_REFUSALS, grantUid);
    if (refusals > 0) yield* ledger.countRefusals(-refusals);
    yield* change(DELETE_CHECK, grantUid);
    return 'removed';
  };
}

interface FoundRemoval {
  /** The next entries; the last ones include the entry about the deletion. */
  readonly entries: readonly LedgerRow[];
  readonly isLast: boolean;
  /** The sum of the refusals, which are removed with the last entries. */
  readonly refusals: number;
}

/** Returns what the next step removes; undefined unless all of it is authentic. */
function* findRemoval(
  key: Uint8Array,
  checked: CheckedLedger,
  dialect: SqlDialect,
): SqlOperation<FoundRemoval | undefined> {
  const { grantUid, deletedSeq } = checked;
  // A trigger could exchange entries while they are removed.
  if ((yield* dialect.schemaProblem()) !== undefined) return undefined;
  const query = entriesQuery(dialect);
  const deletions = yield* rawRows(`${query} ${WITH_SEQ}`, grantUid, deletedSeq);
  const others = yield* rawRows(`${query} ${NEWEST_OTHERS}`, grantUid, deletedSeq);
  const entries = authenticEntries(key, others, checked);
  const [deleted] = deletions.map((values) => authenticEntry(key, grantUid, values));
  if (deleted?.kind !== 'deleted' || !entries) return undefined;
  const isLast = entries.length < STEP;
  const refusals = isLast ? yield* authenticRefusals(key, grantUid) : 0;
  if (refusals === undefined) return undefined;
  return { entries: isLast ? [...entries, deleted] : entries, refusals, isLast };
}

/** Returns entries that were read newest first; undefined if one is not authentic, is missing, or was added after the check. */
function authenticEntries(
  key: Uint8Array,
  found: readonly EntryValues[],
  { grantUid, deletedSeq, lastSeq }: CheckedLedger,
): readonly LedgerRow[] | undefined {
  const entries: LedgerRow[] = [];
  for (const values of found) {
    const entry = authenticEntry(key, grantUid, values);
    if (!entry || entry.seq > lastSeq) return undefined;
    const newer = entries.at(-1)?.seq;
    // An entry that was added during the removal has a higher `seq` than the deletion. The entries between them were removed.
    if (newer !== undefined && newer < deletedSeq && entry.seq !== newer - 1) return undefined;
    entries.push(entry);
  }
  return entries;
}

/** Returns the sum of the refusals of a grant; undefined if one does not match its MAC. */
function* authenticRefusals(key: Uint8Array, grantUid: string): SqlOperation<number | undefined> {
  let sum = 0;
  for (const refusal of yield* rawRows(REFUSALS, grantUid)) {
    const values = refusal.slice(0, -1) as RefusalValues;
    if (!isMac(refusal.at(-1), refusalMac(key, values))) return undefined;
    sum += Number(values[REFUSAL_COLUMNS.indexOf('count')]);
  }
  return sum;
}

/** What identifies the row that an entry describes. */
interface DescribedRow {
  readonly id: string;
  readonly number: number;
  readonly jti: string;
}

function describedRow({ redemptionId, detail }: LedgerRow): DescribedRow {
  const { number = 0, jti = '' } = JSON.parse(detail ?? '{}') as Partial<DescribedRow>;
  return { id: redemptionId ?? '', number, jti };
}

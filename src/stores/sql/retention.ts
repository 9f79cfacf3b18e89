import { setImmediate as yieldTurn } from 'node:timers/promises';
import { DAY_MS } from '../../domain/duration.js';
import type { LedgerKind } from '../../domain/ledger-kind.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import { deleteGrant } from './grant-writes.js';
import { countingWrite, type WriteOperation } from './group-commit.js';
import { EntryCheck, EntryTotals, entriesQuery } from './ledger/entry-check.js';
import { change, put, rawRows, rows, type SqlOperation, value } from './operation.js';
import { deleteRenewal } from './renewals.js';
import type { SqlDatabase } from './sql-database.js';

// Entries that one step checks or removes. Redemptions wait while a step runs.
const STEP = 200;
const ENDED = `SELECT uid FROM grants WHERE source_file IS NULL AND expires_at < ?
  UNION SELECT uid FROM grants WHERE source_file IS NULL AND revoked_at < ? LIMIT 100`;
const DUE = 'SELECT grant_uid FROM expiring_ledgers WHERE check_at < ? ORDER BY check_at LIMIT 1';
const CHECK_AGAIN = 'UPDATE expiring_ledgers SET check_at = ? WHERE grant_uid = ?';
const DELETE_CHECK = 'DELETE FROM expiring_ledgers WHERE grant_uid = ?';
const OF_GRANT_AFTER = `WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
// The entry about the deletion of the grant is removed last: without it the missing grant would be a fault.
const NEWEST = `SELECT seq, kind, redemption_id AS id, CAST(detail ->> 'number' AS INTEGER) AS number, detail ->> 'jti' AS jti
  FROM events WHERE grant_uid = ? AND kind <> 'deleted' ORDER BY seq DESC LIMIT ${STEP}`;
const REMOVE = `UPDATE events SET grant_uid = NULL, seq = NULL, at = NULL, kind = NULL, redemption_id = NULL, detail = NULL
  WHERE grant_uid = ?`;
const REMOVE_FROM = `${REMOVE} AND seq >= ? AND kind <> 'deleted'`;
const DELETE_REDEMPTION = 'DELETE FROM redemptions WHERE id = ?';
const CLEAR_REVOCATION = 'UPDATE redemptions SET revoked_at = NULL WHERE id = ?';
const CLEAR_CODE_REVOCATION = 'UPDATE codes SET revoked_at = NULL WHERE grant_uid = ? AND jti = ?';
const DELETE_CODE = 'DELETE FROM codes WHERE grant_uid = ? AND jti = ?';
const DELETE_CODES = 'DELETE FROM codes WHERE grant_uid = ?';
const DELETE_REFUSALS = 'DELETE FROM refusals WHERE grant_uid = ?';
const GRANT = 'SELECT 1 FROM grants WHERE uid = ?';
const REFUSALS = 'SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM refusals WHERE grant_uid = ?';

type RetentionDatabase = Pick<SqlDatabase, 'dialect' | 'read' | 'write'>;

/** Implements the operations of retention of the LedgerStore on an SQL database. */
export function retention({ dialect, read, write }: RetentionDatabase) {
  return {
    deleteEndedGrants: (endedBefore, now) =>
      write(
        countingWrite(function* (context) {
          const uids = yield* rows<{ readonly uid: string }>(ENDED, endedBefore, endedBefore);
          for (const { uid } of uids) yield* deleteGrant(uid, now)(context);
          return uids.length;
        }),
      ),
    removeOldLedger: (endedBefore) => removeOldLedger({ dialect, read, write }, endedBefore),
  } satisfies Partial<DatabaseStore>;
}

/** Runs in short steps, between which other operations run. */
async function removeOldLedger(
  { dialect, read, write }: RetentionDatabase,
  endedBefore: number,
): Promise<boolean> {
  const grantUid = await read(() => value(DUE, endedBefore));
  if (typeof grantUid !== 'string') return false;
  const key = await read((ledger) => ledger.key());
  const check = new EntryCheck(key, grantUid, new EntryTotals());
  const query = `${entriesQuery(dialect)} ${OF_GRANT_AFTER}`;
  let state = await read(() => checkStep(check, query));
  while (state === 'more') {
    await yieldTurn();
    state = await read(() => checkStep(check, query));
  }
  // A ledger with a fault stays as evidence, and is checked again each day.
  const lastEnd =
    state === 'intact' ? Math.max(check.deletedAt ?? 0, check.totals.lastNotAfter) : endedBefore + DAY_MS;
  if (lastEnd >= endedBefore) {
    await write(() => put(CHECK_AGAIN, lastEnd, grantUid), { grantUid });
    return true;
  }
  while (await write(removeStep(grantUid), { grantUid })) await yieldTurn();
  return true;
}

/** Checks the next entries of a grant. Also returns `faulty` if the grant still exists. */
function* checkStep(check: EntryCheck, query: string): SqlOperation<'more' | 'intact' | 'faulty'> {
  const found = yield* rawRows(query, check.grantUid, check.seq);
  for (const values of found) if (yield* check.next(values)) return 'faulty';
  if (found.length === STEP) return 'more';
  const exists = (yield* value(GRANT, check.grantUid)) !== undefined;
  return (yield* check.end()) || exists ? 'faulty' : 'intact';
}

interface RemovedEntry {
  readonly seq: number;
  readonly kind: LedgerKind;
  readonly id: string;
  readonly number: number | null;
  readonly jti: string | null;
}

/**
 * For each kind of entry: deletes the row that it describes, or clears the revocation that it records. Verification would report
 * a row or revocation without its entry as a fault. Null if nothing of a deleted grant is left to change.
 */
const ROW_REMOVALS: Readonly<
  Record<LedgerKind, ((entry: RemovedEntry, grantUid: string) => SqlOperation<unknown>) | null>
> = {
  created: null,
  changed: null,
  redeemed: ({ id }) => change(DELETE_REDEMPTION, id),
  replayed: null,
  renewed: ({ id, number }) => deleteRenewal(id, number ?? 0),
  superseded: null,
  revoked: ({ id }) => change(CLEAR_REVOCATION, id),
  grant_revoked: null,
  code_recorded: ({ jti }, grantUid) => change(DELETE_CODE, grantUid, jti),
  code_revoked: ({ jti }, grantUid) => change(CLEAR_CODE_REVOCATION, grantUid, jti),
  deleted: null,
  repeatedly_refused: null,
  setting_changed: null,
};

/**
 * Deletes the content of up to 200 entries of a deleted grant, newest first, and the rows that they describe. Returns true if
 * entries may be left.
 */
function removeStep(grantUid: string): WriteOperation<boolean> {
  return function* ({ ledger }) {
    const entries = yield* rows<RemovedEntry>(NEWEST, grantUid);
    for (const entry of entries) {
      const removeRow = ROW_REMOVALS[entry.kind];
      if (removeRow) yield* removeRow(entry, grantUid);
    }
    if (entries.length === STEP) {
      const removed = yield* change(REMOVE_FROM, grantUid, entries.at(-1)?.seq ?? 0);
      yield* ledger.countRemoved(removed);
      return true;
    }
    const removed = yield* change(REMOVE, grantUid);
    if (removed > 0) yield* ledger.countRemoved(removed);
    const refusals = Number(yield* value(REFUSALS, grantUid));
    yield* change(DELETE_REFUSALS, grantUid);
    if (refusals > 0) yield* ledger.countRefusals(-refusals);
    yield* change(DELETE_CODES, grantUid);
    yield* change(DELETE_CHECK, grantUid);
    return false;
  };
}

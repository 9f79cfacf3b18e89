import { setImmediate as yieldTurn } from 'node:timers/promises';
import { ChainWalk, ENTRIES, type EntryValues, nothingTold, type Told } from './chain-walk.js';
import type { SqliteConnection } from './connection.js';
import { deleteGrant } from './grant-writes.js';
import type { WriteOperation } from './group-commit.js';

// One step holds up redemptions for as long as so many rows take.
const STEP = 200;
const DAY_MS = 86_400_000;
const ENDED = `SELECT uid FROM grants WHERE source_file IS NULL AND expires_at < ?
  UNION SELECT uid FROM grants WHERE source_file IS NULL AND revoked_at < ? LIMIT 100`;
const DUE = `SELECT grant_uid FROM ledger_heads WHERE check_at < ? ORDER BY check_at LIMIT 1`;
const PAGE = `${ENTRIES} WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
const CUT = `SELECT kind, redemption_id AS id, detail ->> 'number' AS number, detail ->> 'jti' AS jti FROM events
  WHERE grant_uid = ? AND seq > ? ORDER BY seq DESC`;
const DROP_REDEMPTION = 'DELETE FROM redemptions WHERE id = ?';
const DROP_RENEWAL = 'DELETE FROM renewals WHERE redemption_id = ? AND number = ?';
const FORGET_REVOCATION = 'UPDATE redemptions SET revoked_at = NULL WHERE id = ?';
const DROP_CODE = 'DELETE FROM codes WHERE grant_uid = ? AND jti = ?';
const DROP_CODES = 'DELETE FROM codes WHERE grant_uid = ?';
const DROP_REFUSALS = 'DELETE FROM refusals WHERE grant_uid = ?';
const GRANT = 'SELECT 1 FROM grants WHERE uid = ?';
const LENGTH = 'SELECT length FROM ledger_heads WHERE grant_uid = ?';

/** The write behind LedgerStore.deleteEndedGrants. */
export function deleteEndedGrants(endedBefore: number, now: number): WriteOperation<number> {
  let deleted = 0;
  return (context) => {
    const uids = context.connection.statement(ENDED).pluck().all(endedBefore, endedBefore);
    for (const uid of uids) deleteGrant(String(uid), now)(context);
    deleted = Math.max(deleted, uids.length);
    return deleted;
  };
}

/** Runs reads and writes of a store, each by itself. */
export interface StoreAccess {
  read<T>(query: (connection: SqliteConnection) => T): Promise<T>;
  write<T>(operation: WriteOperation<T>): Promise<T>;
}

/** What is behind LedgerStore.removeOldLedger: many short steps, between which others have their turn. */
export async function removeOldLedger({ read, write }: StoreAccess, endedBefore: number): Promise<boolean> {
  const grantUid = await read((connection) => connection.statement(DUE).pluck().get(endedBefore));
  if (typeof grantUid !== 'string') return false;
  const walk = await read((connection) => new ChainWalk(connection, grantUid, nothingTold()));
  let told = await read((connection) => readStep(connection, walk));
  while (told === 'more') {
    await yieldTurn();
    told = await read((connection) => readStep(connection, walk));
  }
  const lastEnd = told ? Math.max(told.deletedAt ?? 0, told.lastNotAfter) : endedBefore + DAY_MS;
  if (lastEnd >= endedBefore) {
    // One that is not whole stays as evidence, and is looked at again each day.
    await write(({ connection }) => connection.ledger.checkAgain(grantUid, lastEnd));
    return true;
  }
  while (await write(removeStep(grantUid))) await yieldTurn();
  return true;
}

/**
 * Reads a part of a grant's entries behind those that were read: `more`, or what they tell at their end, null if they are
 * not whole or the grant is there.
 */
function readStep(connection: SqliteConnection, walk: ChainWalk): 'more' | Told | null {
  const rows = connection.statement(PAGE).raw().all(walk.grantUid, walk.length) as EntryValues[];
  for (const row of rows) if (walk.next(row)) return null;
  if (rows.length === STEP) return 'more';
  const isThere = connection.statement(GRANT).get(walk.grantUid) !== undefined;
  return walk.end() || isThere ? null : walk.told;
}

/** Removes the last entries of a deleted grant and the rows that they tell of; true while there are more. */
function removeStep(grantUid: string): WriteOperation<boolean> {
  return ({ connection }) => {
    const length = Number(connection.statement(LENGTH).pluck().get(grantUid) ?? 0);
    const left = Math.max(0, length - STEP);
    const cut = connection.statement(CUT).all(grantUid, left) as {
      readonly kind: string;
      readonly id: string;
      readonly number: number | null;
      readonly jti: string | null;
    }[];
    for (const { kind, id, number, jti } of cut) {
      if (kind === 'redeemed') connection.statement(DROP_REDEMPTION).run(id);
      if (kind === 'renewed') connection.statement(DROP_RENEWAL).run(id, number);
      // No row may tell of more than the entries that are left.
      if (kind === 'revoked') connection.statement(FORGET_REVOCATION).run(id);
      if (kind === 'code_revoked') connection.statement(DROP_CODE).run(grantUid, jti);
    }
    if (length > 0) connection.ledger.shorten(grantUid, left);
    if (left > 0) return true;
    connection.statement(DROP_CODES).run(grantUid);
    connection.statement(DROP_REFUSALS).run(grantUid);
    return false;
  };
}

import { setImmediate as yieldTurn } from 'node:timers/promises';
import { ChainWalk, ENTRIES, nothingTold, type Told } from './chain-walk.js';
import { deleteGrant } from './grant-writes.js';
import type { LedgerChain } from './ledger-chain.js';
import { change, rawRows, rows, type SqlOperation, value } from './operation.js';
import type { WriteOperation, WriteSubject } from './write-operation.js';

// One step holds up redemptions for as long as so many rows take.
const STEP = 200;
const DAY_MS = 86_400_000;
const ENDED = `SELECT uid FROM grants WHERE source_file IS NULL AND expires_at < ?
  UNION SELECT uid FROM grants WHERE source_file IS NULL AND revoked_at < ? LIMIT 100`;
const DUE = `SELECT grant_uid FROM ledger_heads WHERE check_at < ? ORDER BY check_at LIMIT 1`;
const PAGE = `${ENTRIES} WHERE e.grant_uid = ? AND e.seq > ? ORDER BY e.seq LIMIT ${STEP}`;
const CUT = `SELECT kind, redemption_id AS id, CAST(detail ->> 'number' AS INTEGER) AS number, detail ->> 'jti' AS jti FROM events
  WHERE grant_uid = ? AND seq > ? ORDER BY seq DESC`;
const DROP_REDEMPTION = 'DELETE FROM redemptions WHERE id = ?';
const DROP_RENEWAL = 'DELETE FROM renewals WHERE redemption_id = ? AND number = ?';
const FORGET_REVOCATION = 'UPDATE redemptions SET revoked_at = NULL WHERE id = ?';
const FORGET_CODE_REVOCATION = 'UPDATE codes SET revoked_at = NULL WHERE grant_uid = ? AND jti = ?';
const DROP_CODE = 'DELETE FROM codes WHERE grant_uid = ? AND jti = ?';
const DROP_CODES = 'DELETE FROM codes WHERE grant_uid = ?';
const DROP_REFUSALS = 'DELETE FROM refusals WHERE grant_uid = ?';
const GRANT = 'SELECT 1 FROM grants WHERE uid = ?';
const LENGTH = 'SELECT length FROM ledger_heads WHERE grant_uid = ?';

/** The write behind LedgerStore.deleteEndedGrants. */
export function deleteEndedGrants(endedBefore: number, now: number): WriteOperation<number> {
  let deleted = 0;
  return function* (context) {
    const uids = yield* rows<{ readonly uid: string }>(ENDED, endedBefore, endedBefore);
    for (const { uid } of uids) yield* deleteGrant(uid, now)(context);
    deleted = Math.max(deleted, uids.length);
    return deleted;
  };
}

/** Runs reads and writes of a store, each by itself. */
export interface StoreAccess {
  read<T>(query: (ledger: LedgerChain) => SqlOperation<T>): Promise<T>;
  write<T>(operation: WriteOperation<T>, subject: WriteSubject): Promise<T>;
}

/** What is behind LedgerStore.removeOldLedger: many short steps, between which others have their turn. */
export async function removeOldLedger({ read, write }: StoreAccess, endedBefore: number): Promise<boolean> {
  const grantUid = await read(() => value(DUE, endedBefore));
  if (typeof grantUid !== 'string') return false;
  const key = await read((ledger) => ledger.key());
  const walk = new ChainWalk(key, grantUid, nothingTold());
  let told = await read(() => readStep(walk));
  while (told === 'more') {
    await yieldTurn();
    told = await read(() => readStep(walk));
  }
  const lastEnd = told ? Math.max(told.deletedAt ?? 0, told.lastNotAfter) : endedBefore + DAY_MS;
  if (lastEnd >= endedBefore) {
    // One that is not whole stays as evidence, and is looked at again each day.
    await write(({ ledger }) => ledger.checkAgain(grantUid, lastEnd), { grantUid });
    return true;
  }
  while (await write(removeStep(grantUid), { grantUid })) await yieldTurn();
  return true;
}

/**
 * Reads a part of a grant's entries behind those that were read: `more`, or what they tell at their end, null if they are
 * not whole or the grant is there.
 */
function* readStep(walk: ChainWalk): SqlOperation<'more' | Told | null> {
  const found = yield* rawRows(PAGE, walk.grantUid, walk.length);
  for (const values of found) if (yield* walk.next(values)) return null;
  if (found.length === STEP) return 'more';
  const isThere = (yield* value(GRANT, walk.grantUid)) !== undefined;
  return (yield* walk.end()) || isThere ? null : walk.told;
}

interface CutEntry {
  readonly kind: string;
  readonly id: string;
  readonly number: number | null;
  readonly jti: string | null;
}

/** Removes the last entries of a deleted grant and the rows that they tell of; true while there are more. */
function removeStep(grantUid: string): WriteOperation<boolean> {
  return function* ({ ledger }) {
    const length = Number((yield* value(LENGTH, grantUid)) ?? 0);
    const left = Math.max(0, length - STEP);
    const cut = yield* rows<CutEntry>(CUT, grantUid, left);
    for (const { kind, id, number, jti } of cut) {
      if (kind === 'redeemed') yield* change(DROP_REDEMPTION, id);
      if (kind === 'renewed') yield* change(DROP_RENEWAL, id, number);
      // No row may tell of more than the entries that are left.
      if (kind === 'revoked') yield* change(FORGET_REVOCATION, id);
      if (kind === 'code_revoked') yield* change(FORGET_CODE_REVOCATION, grantUid, jti);
      if (kind === 'code_recorded') yield* change(DROP_CODE, grantUid, jti);
    }
    if (length > 0) yield* ledger.shorten(grantUid, left);
    if (left > 0) return true;
    yield* change(DROP_CODES, grantUid);
    yield* change(DROP_REFUSALS, grantUid);
    yield* ledger.forgetRefusals(grantUid);
    return false;
  };
}

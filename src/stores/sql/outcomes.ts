import type { OutcomeStore, StoredOutcome } from '../../redemption/ports/outcome-store.js';
import { countingWrite, type WriteOperation } from './group-commit.js';
import { change, row } from './operation.js';
import type { SqlDatabase } from './sql-database.js';

const DELETE_EXPIRED = 'DELETE FROM outcomes WHERE id = ? AND until <= ?';
const INSERT = `INSERT INTO outcomes (id, kid, request, created_id, sealed, until) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO NOTHING`;
const FIND = 'SELECT id, kid, request, created_id AS "createdId", sealed, until FROM outcomes WHERE id = ?';
const ERASE = 'DELETE FROM outcomes WHERE until <= ?';

/** Implements the OutcomeStore on an SQL database. */
export function outcomeStore({ write }: SqlDatabase): OutcomeStore {
  return {
    storeFirstOutcome: ({ id, kid, request, createdId, sealed, until }, now) =>
      write(function* () {
        yield* change(DELETE_EXPIRED, id, now);
        yield* change(INSERT, id, kid, request, createdId, sealed, until);
        const stored = (yield* row<StoredOutcome>(FIND, id)) as StoredOutcome;
        return { ...stored, sealed: new Uint8Array(stored.sealed) };
      }),
  };
}

/** Erases outcomes that have expired. Returns their number. */
export function eraseOutcomes(now: number): WriteOperation<number> {
  return countingWrite(() => change(ERASE, now));
}

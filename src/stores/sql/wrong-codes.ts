import type {
  WrongCodeStore,
  WrongCodes,
  WrongCodesOfGrant,
} from '../../redemption/ports/wrong-code-store.js';
import type { WriteOperation } from './group-commit.js';
import { change, row, rows, type SqlOperation } from './operation.js';
import type { SqlDatabase } from './sql-database.js';

const COUNTER = `count, last_at AS "lastAt", last_peer AS "lastPeer"`;
const FIND = `SELECT ${COUNTER} FROM wrong_codes WHERE grant_uid = ?`;
const LIST = `SELECT g.uid AS "grantUid", g.name AS "grantName", g.namespace, ${COUNTER}
  FROM wrong_codes w JOIN grants g ON g.uid = w.grant_uid WHERE last_at >= ? ORDER BY last_at DESC, g.uid LIMIT ?`;
const EXISTS = 'SELECT 1 FROM grants WHERE uid = ?';
const PUT = `INSERT INTO wrong_codes (grant_uid, count, last_at, last_peer) VALUES (?, ?, ?, ?)
  ON CONFLICT (grant_uid) DO UPDATE
    SET count = excluded.count, last_at = excluded.last_at, last_peer = excluded.last_peer`;

/** Deletes the counter of a grant; its value is the uid. */
export const DELETE_WRONG_CODES = 'DELETE FROM wrong_codes WHERE grant_uid = ?';

/** Implements the WrongCodeStore on an SQL database. */
export function wrongCodeStore({ read, write }: SqlDatabase): WrongCodeStore {
  return {
    addWrongCodes: (grantUid, requests) => write(addWrongCodes(grantUid, requests), { grantUid }),
    findWrongCodes: (grantUid) => read(() => row<WrongCodes>(FIND, grantUid)),
  };
}

/** Lists the counters whose last request arrived at `since` or later, the latest first. */
export function listWrongCodes(since: number, limit: number): SqlOperation<readonly WrongCodesOfGrant[]> {
  return rows<WrongCodesOfGrant>(LIST, since, limit);
}

function addWrongCodes(grantUid: string, requests: WrongCodes): WriteOperation<void> {
  // The count that the last attempt of this write would have written.
  let intended = Number.POSITIVE_INFINITY;
  return function* ({ isRepeated }) {
    const stored = yield* row<WrongCodes>(FIND, grantUid);
    // The earlier attempt may have been committed: do not count its requests twice.
    if (isRepeated && stored && stored.count >= intended) return;
    if ((yield* row(EXISTS, grantUid)) === undefined) return;
    intended = (stored?.count ?? 0) + requests.count;
    // Another process may have counted a later request already.
    const { lastAt, lastPeer } = stored && stored.lastAt > requests.lastAt ? stored : requests;
    yield* change(PUT, grantUid, intended, lastAt, lastPeer);
  };
}

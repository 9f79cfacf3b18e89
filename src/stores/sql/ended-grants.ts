import { GRANT_BY_UID, type GrantRow, grantHash } from './grant-row.js';
import { deleteGrant } from './grant-writes.js';
import { countingWrite } from './group-commit.js';
import { authenticEntry } from './ledger/authentic-entry.js';
import { entriesQuery } from './ledger/entry-check.js';
import { rawRows, row, rows, type SqlDialect, type SqlOperation } from './operation.js';
import type { SqlDatabase } from './sql-database.js';

const ENDED = `SELECT uid FROM (
    SELECT uid FROM grants WHERE source_file IS NULL AND expires_at < ?
    UNION SELECT uid FROM grants WHERE source_file IS NULL AND revoked_at < ?) AS ended
  WHERE uid > ? ORDER BY uid LIMIT 100`;
const LAST_CHANGE = `WHERE e.grant_uid = ? AND e.kind IN ('created', 'changed') ORDER BY e.seq DESC LIMIT 1`;
const REVOCATION = `WHERE e.grant_uid = ? AND e.kind = 'grant_revoked' ORDER BY e.seq DESC LIMIT 1`;

/** Implements LedgerStore.deleteEndedGrants on an SQL database. */
export async function deleteEndedGrants(
  { dialect, write }: Pick<SqlDatabase, 'dialect' | 'write'>,
  endedBefore: number,
  now: number,
): Promise<number> {
  let after: string | undefined = '';
  let deleted = 0;
  // Grants that stay do not prevent the deletion of later ones.
  while (deleted === 0 && after !== undefined) {
    const start: string = after;
    deleted = await write(
      countingWrite(function* (context) {
        const uids = yield* rows<{ readonly uid: string }>(ENDED, endedBefore, endedBefore, start);
        after = uids.at(-1)?.uid;
        const key = yield* context.ledger.key();
        let count = 0;
        for (const { uid } of uids) {
          if (!(yield* isUnchanged(key, dialect, uid))) continue;
          yield* deleteGrant(uid, now)(context);
          count += 1;
        }
        return count;
      }),
    );
  }
  return deleted;
}

/**
 * Whether authentic entries record the limits, the expiry and the revocation in a grant's row. A deletion would hide a row that
 * a writer of the database has changed.
 */
function* isUnchanged(key: Uint8Array, dialect: SqlDialect, uid: string): SqlOperation<boolean> {
  const grant = yield* row<GrantRow>(GRANT_BY_UID, uid);
  if (!grant) return false;
  const find = function* (where: string) {
    const [found] = yield* rawRows(`${entriesQuery(dialect)} ${where}`, uid);
    return found && authenticEntry(key, uid, found);
  };
  const lastChange = yield* find(LAST_CHANGE);
  const { row: recorded } = JSON.parse(lastChange?.detail ?? '{}') as { readonly row?: unknown };
  if (recorded !== grantHash(grant)) return false;
  return ((yield* find(REVOCATION))?.at ?? null) === grant.revokedAt;
}

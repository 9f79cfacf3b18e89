import { type AccessGrant, changedGrant, type GrantChange } from '../../domain/access-grant.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import {
  GRANT_BY_UID,
  GRANT_COLUMNS,
  GRANT_FIELDS,
  type GrantRow,
  grantHash,
  grantOfRow,
  grantValues,
} from './grant-row.js';
import { countingWrite, type WriteOperation } from './group-commit.js';
import type { NewLedgerEntry } from './ledger/ledger-chain.js';
import { insertInto, put, row, rows, value } from './operation.js';
import { revokeRedemptionsOf } from './redemptions.js';
import { revokeRow } from './revoke-row.js';
import type { SqlDatabase } from './sql-database.js';
import { countLabelChange } from './stored-settings.js';
import { DELETE_WRONG_CODES } from './wrong-codes.js';

const INSERT = `${insertInto('grants', GRANT_COLUMNS)} ON CONFLICT (namespace, name) DO NOTHING
  RETURNING ${GRANT_FIELDS}`;
const UID_BY_NAME = 'SELECT uid FROM grants WHERE namespace = ? AND name = ?';
const PENDING = 'SELECT uid FROM grants WHERE expires_at IS NULL';
const INITIALIZE = `UPDATE grants SET ready_at = ?, expires_at = ? + window_ms WHERE uid = ? AND expires_at IS NULL
  RETURNING ${GRANT_FIELDS}`;
const UPDATE = `UPDATE grants SET redemptions_allowed = ?, source_file = ?, policy = ?, window_ms = ?, expires_at = ?,
  labels = ?, note = ? WHERE uid = ? RETURNING ${GRANT_FIELDS}`;
const REVOKED_AT = 'SELECT revoked_at FROM grants WHERE uid = ?';
const REVOCATION = { update: 'UPDATE grants SET revoked_at = ? WHERE uid = ?', revokedAt: REVOKED_AT };
const DELETE = `DELETE FROM grants WHERE uid = ? RETURNING ${GRANT_FIELDS}`;
// Retention checks the ledger of the grant once the retention period has passed since `check_at`.
const EXPIRE_LEDGER =
  'INSERT INTO expiring_ledgers (grant_uid, check_at) VALUES (?, ?) ON CONFLICT DO NOTHING';

/** Implements the writes of grants of the DatabaseStore on an SQL database. */
export function grantWrites({ read, write }: SqlDatabase, clock: Clock) {
  return {
    createGrant: (grant) => write(insertGrant(grant), { grantUid: grant.uid }),
    async initializeGrants(now) {
      const pending = await read(() => rows<{ readonly uid: string }>(PENDING));
      const counts = await Promise.all(
        pending.map(({ uid }) => write(countingWrite(initializeGrant(uid, now)), { grantUid: uid })),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    updateGrant: (grantUid, changes) => write(updateGrant(grantUid, changes, clock()), { grantUid }),
    revokeGrant: (grantUid, now, cascade = false) => write(revokeGrant(grantUid, now, cascade), { grantUid }),
    deleteGrant: (grantUid) => write(deleteGrant(grantUid, clock()), { grantUid }),
  } satisfies Partial<DatabaseStore>;
}

/** Creates a grant; see GrantStore.createGrant. */
export function insertGrant(grant: AccessGrant): WriteOperation<AccessGrant | 'name_taken'> {
  return function* ({ ledger, isRepeated }) {
    const sameName = yield* value(UID_BY_NAME, grant.namespace, grant.name);
    if (isRepeated && sameName === grant.uid) return grant;
    if (sameName !== undefined) return 'name_taken';
    const created = yield* row<GrantRow>(INSERT, ...grantValues(grant));
    if (!created) return 'name_taken';
    yield* ledger.append({
      grantUid: grant.uid,
      at: grant.createdAt,
      kind: 'created',
      detail: detailOf(created),
    });
    return grant;
  };
}

/** Builds the detail of the ledger entry about a grant whose row was inserted or changed. */
function detailOf(grant: GrantRow): NonNullable<NewLedgerEntry['detail']> {
  const { name, redemptionsAllowed, expirationTime } = grant;
  const end = expirationTime !== null && { expirationTime };
  return { name, redemptionsAllowed, ...end, row: grantHash(grant) };
}

/**
 * Builds the ledger entry about a grant whose row was changed. The hash of the row that was found shows a change by a writer of
 * the database, which the entry would hide otherwise.
 */
function changeEntry(found: GrantRow, changed: GrantRow, at: number): NewLedgerEntry {
  const detail = { ...detailOf(changed), basis: grantHash(found) };
  return { grantUid: found.uid, at, kind: 'changed', detail };
}

/** Starts the expiration window of a grant. Returns the number of changed grants. */
function initializeGrant(uid: string, now: number): WriteOperation<number> {
  return function* ({ ledger }) {
    const found = yield* row<GrantRow>(GRANT_BY_UID, uid);
    const changed = yield* row<GrantRow>(INITIALIZE, now, now, uid);
    if (!found || !changed) return 0;
    yield* ledger.append(changeEntry(found, changed, now));
    return 1;
  };
}

function updateGrant(uid: string, changes: GrantChange, now: number): WriteOperation<boolean> {
  return function* ({ ledger }) {
    const found = yield* row<GrantRow>(GRANT_BY_UID, uid);
    if (!found) return false;
    const current = grantOfRow(found);
    const grant = changedGrant(current, changes);
    const changed = yield* row<GrantRow>(
      UPDATE,
      grant.redemptionsAllowed,
      grant.sourceFile,
      JSON.stringify(grant.policy),
      grant.expirationWindowMs,
      grant.expirationTime,
      JSON.stringify(grant.labels),
      grant.note,
      uid,
    );
    if (changes.labels || grant.note !== current.note) yield* countLabelChange();
    if (changed && grantHash(changed) !== grantHash(found)) {
      yield* ledger.append(changeEntry(found, changed, now));
    }
    return true;
  };
}

/** Revokes a grant; see GrantStore.revokeGrant. */
export function revokeGrant(uid: string, now: number, cascade: boolean): WriteOperation<boolean> {
  let hasRevoked = false;
  return function* ({ ledger, isRepeated }) {
    if (cascade) yield* revokeRedemptionsOf(ledger, uid, now);
    if (yield* revokeRow(ledger, REVOCATION, [uid], { grantUid: uid, at: now, kind: 'grant_revoked' })) {
      hasRevoked = true;
      return true;
    }
    return isRepeated && hasRevoked && (yield* value(REVOKED_AT, uid)) === now;
  };
}

/** Deletes a grant; see GrantStore.deleteGrant. `now` is the time of the ledger entry. */
export function deleteGrant(uid: string, now: number): WriteOperation<boolean> {
  let hasDeleted = false;
  return function* ({ ledger, isRepeated }) {
    const deleted = yield* row<GrantRow>(DELETE, uid);
    if (deleted) {
      yield* put(DELETE_WRONG_CODES, uid);
      yield* put(EXPIRE_LEDGER, uid, now);
      yield* ledger.append({
        grantUid: uid,
        at: now,
        kind: 'deleted',
        detail: { basis: grantHash(deleted) },
      });
      hasDeleted = true;
      return true;
    }
    return isRepeated && hasDeleted;
  };
}

import type { AccessGrant } from '../../domain/access-grant.js';
import type { GrantChange } from '../../redemption/grant-store.js';
import { GRANT_COLUMNS, type GrantRow, grantOfRow, grantValues } from './grant-row.js';
import { change, row, value } from './operation.js';
import { revokeRedemptionsOf } from './revocation-writes.js';
import type { WriteOperation } from './write-operation.js';

const INSERT = `INSERT INTO grants (${GRANT_COLUMNS.join(', ')})
  VALUES (${GRANT_COLUMNS.map(() => '?').join(', ')}) ON CONFLICT (namespace, name) DO NOTHING`;
const UID_BY_NAME = 'SELECT uid FROM grants WHERE namespace = ? AND name = ?';
const INITIALIZE = 'UPDATE grants SET ready_at = ?, expires_at = ? + window_ms WHERE expires_at IS NULL';
const FIND = 'SELECT * FROM grants WHERE uid = ?';
const UPDATE = `UPDATE grants SET redemptions_allowed = ?, source_file = ?, policy = ?, window_ms = ?, expires_at = ?
  WHERE uid = ?`;
const REVOKE = 'UPDATE grants SET revoked_at = ? WHERE uid = ? AND revoked_at IS NULL';
const REVOKED_AT = 'SELECT revoked_at FROM grants WHERE uid = ?';
const DELETE = 'DELETE FROM grants WHERE uid = ?';

/** The write behind GrantStore.createGrant. */
export function createGrant(grant: AccessGrant): WriteOperation<'created' | 'name_taken'> {
  return function* ({ isRepeated }) {
    const sameName = yield* value(UID_BY_NAME, grant.namespace, grant.name);
    if (isRepeated && sameName === grant.uid) return 'created';
    if (sameName !== undefined) return 'name_taken';
    return (yield* change(INSERT, ...grantValues(grant))) === 1 ? 'created' : 'name_taken';
  };
}

/** The write behind GrantStore.initializeGrants. */
export function initializeGrants(now: number): WriteOperation<number> {
  let initialized = 0;
  return function* () {
    // Whichever attempt was committed is the one that found grants to start.
    initialized = Math.max(initialized, yield* change(INITIALIZE, now, now));
    return initialized;
  };
}

/** The write behind GrantStore.updateGrant. */
export function updateGrant(uid: string, changed: GrantChange): WriteOperation<boolean> {
  return function* () {
    const found = yield* row<GrantRow>(FIND, uid);
    if (!found) return false;
    const grant = { ...grantOfRow(found), ...changed };
    yield* change(
      UPDATE,
      grant.redemptionsAllowed,
      grant.sourceFile,
      JSON.stringify(grant.policy),
      grant.expirationWindowMs,
      grant.expirationTime,
      uid,
    );
    return true;
  };
}

/** The write behind GrantStore.revokeGrant. */
export function revokeGrant(uid: string, now: number, cascade: boolean): WriteOperation<boolean> {
  let found = false;
  return function* ({ ledger, isRepeated }) {
    if (cascade) yield* revokeRedemptionsOf(ledger, uid, now);
    if ((yield* change(REVOKE, now, uid)) === 1) {
      yield* ledger.append({ grantUid: uid, at: now, kind: 'grant_revoked' });
      found = true;
      return true;
    }
    return isRepeated && found && (yield* value(REVOKED_AT, uid)) === now;
  };
}

/** The write behind GrantStore.deleteGrant; `now` is when the ledger says that it happened. */
export function deleteGrant(uid: string, now: number): WriteOperation<boolean> {
  let found = false;
  return function* ({ ledger, isRepeated }) {
    if ((yield* change(DELETE, uid)) === 1) {
      yield* ledger.append({ grantUid: uid, at: now, kind: 'deleted' });
      found = true;
      return true;
    }
    return isRepeated && found;
  };
}

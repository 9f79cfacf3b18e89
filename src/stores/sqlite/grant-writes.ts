import type { AccessGrant } from '../../domain/access-grant.js';
import type { GrantChange } from '../../redemption/grant-store.js';
import { GRANT_COLUMNS, type GrantRow, grantOfRow, grantValues } from '../grant-row.js';
import type { WriteOperation } from './group-commit.js';
import { appendEvent } from './ledger-writes.js';
import { revokeRedemptionsOf } from './revocation-writes.js';

const INSERT = `INSERT INTO grants (${GRANT_COLUMNS.join(', ')})
  VALUES (${GRANT_COLUMNS.map(() => '?').join(', ')})`;
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
  return ({ connection, repeated }) => {
    const sameName = connection.statement(UID_BY_NAME).pluck().get(grant.namespace, grant.name);
    if (repeated && sameName === grant.uid) return 'created';
    if (sameName !== undefined) return 'name_taken';
    connection.statement(INSERT).run(...grantValues(grant));
    return 'created';
  };
}

/** The write behind GrantStore.initializeGrants. */
export function initializeGrants(now: number): WriteOperation<number> {
  let initialized = 0;
  return ({ connection }) => {
    // Whichever attempt was committed is the one that found grants to start.
    initialized = Math.max(initialized, connection.statement(INITIALIZE).run(now, now).changes);
    return initialized;
  };
}

/** The write behind GrantStore.updateGrant. */
export function updateGrant(uid: string, change: GrantChange): WriteOperation<boolean> {
  return ({ connection }) => {
    const row = connection.statement(FIND).get(uid) as GrantRow | undefined;
    if (!row) return false;
    const grant = { ...grantOfRow(row), ...change };
    connection
      .statement(UPDATE)
      .run(
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
  return ({ connection, repeated }) => {
    if (cascade) revokeRedemptionsOf(connection, uid, now);
    if (connection.statement(REVOKE).run(now, uid).changes === 1) {
      appendEvent(connection, { grantUid: uid, at: now, kind: 'grant_revoked' });
      found = true;
      return true;
    }
    return repeated && found && connection.statement(REVOKED_AT).pluck().get(uid) === now;
  };
}

/** The write behind GrantStore.deleteGrant; `now` is when the ledger says that it happened. */
export function deleteGrant(uid: string, now: number): WriteOperation<boolean> {
  let found = false;
  return ({ connection, repeated }) => {
    if (connection.statement(DELETE).run(uid).changes === 1) {
      appendEvent(connection, { grantUid: uid, at: now, kind: 'deleted' });
      found = true;
      return true;
    }
    return repeated && found;
  };
}

import type { SqliteConnection } from './connection.js';
import type { WriteOperation } from './group-commit.js';
import { appendEvent } from './ledger-writes.js';

const REVOKE = `UPDATE redemptions SET revoked_at = ?, sealed_answer = NULL, sealed_until = NULL
  WHERE id = ? AND revoked_at IS NULL RETURNING grant_uid`;
const REVOKED_AT = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const OF_GRANT = 'SELECT id FROM redemptions WHERE grant_uid = ? AND revoked_at IS NULL ORDER BY position';

function revoke(connection: SqliteConnection, id: string, now: number): boolean {
  const grantUid = connection.statement(REVOKE).pluck().get(now, id);
  if (typeof grantUid !== 'string') return false;
  appendEvent(connection, { grantUid, at: now, kind: 'revoked', redemptionId: id });
  return true;
}

/** The write behind GrantStore.revokeRedemption. */
export function revokeRedemption(id: string, now: number): WriteOperation<boolean> {
  let found = false;
  return ({ connection, repeated }) => {
    if (revoke(connection, id, now)) {
      found = true;
      return true;
    }
    return repeated && found && connection.statement(REVOKED_AT).pluck().get(id) === now;
  };
}

/** Revokes what was redeemed from a grant and is not revoked, in the transaction that is open. */
export function revokeRedemptionsOf(connection: SqliteConnection, grantUid: string, now: number): void {
  for (const id of connection.statement(OF_GRANT).pluck().all(grantUid)) revoke(connection, String(id), now);
}

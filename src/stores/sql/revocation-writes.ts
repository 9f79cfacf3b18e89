import type { LedgerChain } from './ledger-chain.js';
import { rows, type SqlOperation, value } from './operation.js';
import type { WriteOperation } from './write-operation.js';

const REVOKE = `UPDATE redemptions SET revoked_at = ?, sealed_answer = NULL, sealed_until = NULL
  WHERE id = ? AND revoked_at IS NULL RETURNING grant_uid`;
const REVOKED_AT = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const OF_GRANT =
  'SELECT id FROM redemptions WHERE grant_uid = ? AND revoked_at IS NULL ORDER BY created_at, id';

function* revoke(ledger: LedgerChain, id: string, now: number): SqlOperation<boolean> {
  const grantUid = yield* value(REVOKE, now, id);
  if (typeof grantUid !== 'string') return false;
  yield* ledger.append({ grantUid, at: now, kind: 'revoked', redemptionId: id });
  return true;
}

/** The write behind GrantStore.revokeRedemption. */
export function revokeRedemption(id: string, now: number): WriteOperation<boolean> {
  let found = false;
  return function* ({ ledger, isRepeated }) {
    if (yield* revoke(ledger, id, now)) {
      found = true;
      return true;
    }
    return isRepeated && found && (yield* value(REVOKED_AT, id)) === now;
  };
}

/** Revokes what was redeemed from a grant and is not revoked, in the transaction that is open. */
export function* revokeRedemptionsOf(ledger: LedgerChain, grantUid: string, now: number): SqlOperation<void> {
  const found = yield* rows<{ readonly id: string }>(OF_GRANT, grantUid);
  for (const { id } of found) yield* revoke(ledger, id, now);
}

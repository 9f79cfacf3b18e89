import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { RecordOutcome, RecordRules } from '../../redemption/grant-store.js';
import { rowHash } from '../ledger-codes.js';
import {
  lastingValues,
  REDEMPTION_COLUMNS,
  type RedemptionRow,
  redemptionOfRow,
  redemptionValues,
} from '../redemption-row.js';
import { countCodeUse } from './codes.js';
import type { SqliteConnection } from './connection.js';
import type { WriteOperation } from './group-commit.js';
import { appendEvent } from './ledger-writes.js';

const INSERT = `INSERT INTO redemptions (${REDEMPTION_COLUMNS.join(', ')})
  VALUES (${REDEMPTION_COLUMNS.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`;
const BY_REPLAY_KEY = 'SELECT * FROM redemptions WHERE grant_uid = ? AND replay_key = ?';
const BY_ID = 'SELECT 1 FROM redemptions WHERE id = ?';
const COUNT_USE = `UPDATE grants SET redemptions = redemptions + 1
  WHERE uid = ? AND redemptions < redemptions_allowed AND expires_at > ? AND revoked_at IS NULL`;
const REASON = 'SELECT revoked_at, expires_at FROM grants WHERE uid = ?';
// The newest of those that fill the limit: once it leaves the window, one more is allowed.
const REPEATED = `SELECT created_at FROM redemptions
  WHERE grant_uid = ? AND subject = ? AND name = ? AND mode = 'stock' AND created_at > ? AND id <> ?
  ORDER BY created_at DESC LIMIT 1 OFFSET ?`;

/** Why the guarded update of a grant found nothing to count. */
function reasonOf(connection: SqliteConnection, uid: string, now: number): Refusal {
  const grant = connection.statement(REASON).get(uid) as
    | { readonly revoked_at: number | null; readonly expires_at: number | null }
    | undefined;
  if (!grant) return { refused: 'grant_unknown' };
  if (grant.revoked_at !== null) return { refused: 'grant_revoked' };
  // Its clock has not started: the service does not know yet how its site is reached.
  if (grant.expires_at === null) return { refused: 'link_access_unavailable' };
  if (grant.expires_at <= now) return { refused: 'grant_expired' };
  return { refused: 'grant_exhausted' };
}

/** The write behind GrantStore.recordRedemption. */
export function recordRedemption(
  uid: string,
  redemption: Redemption,
  now: number,
  { repeatLimit, signedCode }: RecordRules,
): WriteOperation<RecordOutcome> {
  return ({ connection, undo }) => {
    const values = redemptionValues(redemption);
    const inserted = connection.statement(INSERT).run(...values);
    if (inserted.changes === 0) {
      if (connection.statement(BY_ID).get(redemption.id) !== undefined) return 'recorded';
      const row = connection.statement(BY_REPLAY_KEY).get(uid, redemption.replayKey) as RedemptionRow;
      return { replayOf: redemptionOfRow(row) };
    }
    if (connection.statement(COUNT_USE).run(uid, now).changes === 0) {
      undo();
      return reasonOf(connection, uid, now);
    }
    const refused = signedCode && countCodeUse(connection, uid, signedCode);
    if (refused) {
      undo();
      return refused;
    }
    if (repeatLimit) {
      const since = now - repeatLimit.windowMs;
      const { name, subject, id } = redemption;
      const filling = connection
        .statement(REPEATED)
        .pluck()
        .get(uid, subject, name, since, id, repeatLimit.count - 1);
      if (typeof filling === 'number') {
        undo();
        const retryAfter = Math.max(1, Math.ceil((filling - since) / 1_000));
        return { refused: 'repeated_redemption', retryAfter };
      }
    }
    const { id, jti, name, subject, peer, serial, keySha256, certificateSha256, notAfter } = redemption;
    appendEvent(connection, {
      grantUid: uid,
      at: now,
      kind: 'redeemed',
      redemptionId: id,
      detail: {
        ...(jti !== null && { jti }),
        name,
        subject,
        peer,
        serial,
        keySha256,
        certificateSha256,
        notAfter,
        row: rowHash(lastingValues(values)),
      },
    });
    return 'recorded';
  };
}

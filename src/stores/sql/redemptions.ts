import { changedLabels, type LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Attempt, GrantStore } from '../../redemption/ports/grant-store.js';
import type { Page } from '../../redemption/ports/page.js';
import type { WriteOperation } from './group-commit.js';
import type { LedgerChain } from './ledger-chain.js';
import { put, row, rows, type SqlDialect, type SqlOperation, value } from './operation.js';
import { pageOf, rowsToRead, selectByLabels, startOf } from './page.js';
import { type RedemptionRow, redemptionOfRow } from './redemption-row.js';
import { countLabelChange } from './settings.js';

const BY_ID = 'SELECT * FROM redemptions WHERE id = ?';
const BY_REPLAY_KEY = 'SELECT * FROM redemptions WHERE grant_uid = ? AND replay_key = ?';
const ATTEMPTS = `SELECT * FROM (
    SELECT e.at, e.kind AS outcome, coalesce(r.name, '') AS name, coalesce(r.subject, '') AS subject,
      coalesce(e.detail ->> 'peer', r.peer, '') AS peer, e.redemption_id AS "redemptionId", 1 AS count, e.seq AS seq
    FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id
    WHERE e.grant_uid = ? AND e.kind IN ('redeemed', 'replayed') ORDER BY e.seq DESC LIMIT ?) AS entries
  UNION ALL SELECT * FROM (
    SELECT last_at, code, name, subject, peer, NULL, count, 0 FROM refusals
    WHERE grant_uid = ? ORDER BY last_at DESC LIMIT ?) AS refused
  ORDER BY at DESC, seq DESC LIMIT ?`;

interface PositionedRow extends RedemptionRow {
  readonly position: number;
}

/** Implements GrantStore.findRedemption. */
export function* findRedemption(id: string): SqlOperation<Redemption | undefined> {
  const found = yield* row<RedemptionRow>(BY_ID, id);
  return found && redemptionOfRow(found);
}

/** Implements GrantStore.findReplay. */
export function* findReplay(grantUid: string, replayKey: string): SqlOperation<Redemption | undefined> {
  const found = yield* row<RedemptionRow>(BY_REPLAY_KEY, grantUid, replayKey);
  return found && redemptionOfRow(found);
}

/** Implements GrantStore.listRedemptions. */
export function* listRedemptions(
  dialect: SqlDialect,
  page: Parameters<GrantStore['listRedemptions']>[0],
): SqlOperation<Page<Redemption>> {
  const [after] = startOf(page.after, [0]);
  const limit = rowsToRead(page.limit);
  const { grantUid, since = 0 } = page;
  const found =
    grantUid === undefined
      ? yield* rows<PositionedRow>(dialect.redemptions, after, since, limit)
      : yield* rows<PositionedRow>(dialect.redemptionsOfGrant, grantUid, after, since, limit);
  return selectByLabels(
    pageOf(found, page.limit, ({ position }) => [position], redemptionOfRow),
    page.labels,
  );
}

/** Implements GrantStore.listAttempts. */
export function* listAttempts(grantUid: string, limit: number): SqlOperation<Attempt[]> {
  const values = [grantUid, limit, grantUid, limit, limit];
  const found = yield* rows<Attempt & { readonly seq: number }>(ATTEMPTS, ...values);
  return found.map(({ seq: _, ...attempt }) => attempt);
}

const REVOKE = `UPDATE redemptions SET revoked_at = ?, sealed_answer = NULL, sealed_until = NULL
  WHERE id = ? AND revoked_at IS NULL RETURNING grant_uid`;
const UPDATE = 'UPDATE redemptions SET labels = ?, note = ? WHERE id = ?';
const REVOKED_AT = 'SELECT revoked_at FROM redemptions WHERE id = ?';
const OF_GRANT =
  'SELECT id FROM redemptions WHERE grant_uid = ? AND revoked_at IS NULL ORDER BY created_at, id';

function* revoke(ledger: LedgerChain, id: string, now: number): SqlOperation<boolean> {
  const grantUid = yield* value(REVOKE, now, id);
  if (typeof grantUid !== 'string') return false;
  yield* ledger.append({ grantUid, at: now, kind: 'revoked', redemptionId: id });
  return true;
}

/** Implements GrantStore.updateRedemption. */
export function updateRedemption(id: string, change: LabelsAndNoteChange): WriteOperation<boolean> {
  return function* () {
    const found = yield* findRedemption(id);
    if (!found) return false;
    const { note = found.note } = change;
    yield* put(UPDATE, JSON.stringify(changedLabels(found.labels, change.labels)), note, id);
    yield* countLabelChange();
    return true;
  };
}

/** Implements GrantStore.revokeRedemption. */
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

/** Revokes all redemptions of a grant in the open transaction. */
export function* revokeRedemptionsOf(ledger: LedgerChain, grantUid: string, now: number): SqlOperation<void> {
  const found = yield* rows<{ readonly id: string }>(OF_GRANT, grantUid);
  for (const { id } of found) yield* revoke(ledger, id, now);
}

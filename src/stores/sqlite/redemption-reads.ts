import type { Redemption } from '../../domain/redemption.js';
import type { Attempt } from '../../redemption/grant-store.js';
import type { Page, PageRequest } from '../../redemption/page.js';
import { decodeCursor, pageOf, rowsToRead } from '../page.js';
import { type RedemptionRow, redemptionOfRow } from '../redemption-row.js';
import type { SqliteConnection } from './connection.js';

const BY_ID = 'SELECT * FROM redemptions WHERE id = ?';
const BY_REPLAY_KEY = 'SELECT * FROM redemptions WHERE grant_uid = ? AND replay_key = ?';
const LIST = 'SELECT * FROM redemptions WHERE position > ? AND created_at >= ? ORDER BY position LIMIT ?';
// The positions come from the index alone, so a grant of many redemptions is not read whole for one page.
const LIST_GRANT = `SELECT * FROM redemptions WHERE position IN (
    SELECT position FROM redemptions INDEXED BY redemptions_by_replay_key
    WHERE grant_uid = ? AND position > ? ORDER BY position LIMIT ?) ORDER BY position`;
const LIST_GRANT_SINCE = `SELECT * FROM redemptions
  WHERE grant_uid = ? AND position > ? AND created_at >= ? ORDER BY position LIMIT ?`;
const ATTEMPTS = `SELECT * FROM (
    SELECT e.at, e.kind AS outcome, coalesce(r.name, '') AS name, coalesce(r.subject, '') AS subject,
      coalesce(e.detail ->> 'peer', r.peer, '') AS peer, e.redemption_id AS redemptionId, 1 AS count, e.seq AS seq
    FROM events e LEFT JOIN redemptions r ON r.id = e.redemption_id
    WHERE e.grant_uid = ? AND e.kind IN ('redeemed', 'replayed') ORDER BY e.seq DESC LIMIT ?)
  UNION ALL SELECT * FROM (
    SELECT last_at, code, name, subject, peer, NULL, count, 0 FROM refusals
    WHERE grant_uid = ? ORDER BY last_at DESC LIMIT ?)
  ORDER BY at DESC, seq DESC LIMIT ?`;

function redemptionOf(row: unknown): Redemption | undefined {
  return row === undefined ? undefined : redemptionOfRow(row as RedemptionRow);
}

/** Reads behind GrantStore.findRedemption. */
export function findRedemption(connection: SqliteConnection, id: string): Redemption | undefined {
  return redemptionOf(connection.statement(BY_ID).get(id));
}

/** Reads behind GrantStore.findReplay. */
export function findReplay(
  connection: SqliteConnection,
  grantUid: string,
  replayKey: string,
): Redemption | undefined {
  return redemptionOf(connection.statement(BY_REPLAY_KEY).get(grantUid, replayKey));
}

/** Reads behind GrantStore.listRedemptions. */
export function listRedemptions(
  connection: SqliteConnection,
  page: PageRequest & { readonly grantUid?: string; readonly since?: number },
): Page<Redemption> {
  const [after] = page.after === undefined ? [0] : decodeCursor(page.after, 1);
  const limit = rowsToRead(page.limit);
  const { grantUid, since } = page;
  const rows =
    grantUid === undefined
      ? connection.statement(LIST).all(Number(after), since ?? 0, limit)
      : since === undefined
        ? connection.statement(LIST_GRANT).all(grantUid, Number(after), limit)
        : connection.statement(LIST_GRANT_SINCE).all(grantUid, Number(after), since, limit);
  return pageOf(
    rows as (RedemptionRow & { position: number })[],
    page.limit,
    (row) => [row.position],
    redemptionOfRow,
  );
}

/** Reads behind GrantStore.listAttempts. */
export function listAttempts(connection: SqliteConnection, grantUid: string, limit: number): Attempt[] {
  const rows = connection.statement(ATTEMPTS).all(grantUid, limit, grantUid, limit, limit);
  return (rows as (Attempt & { seq: number })[]).map(({ seq: _, ...attempt }) => attempt);
}

import type { AccessGrant, AccessGrantState } from '../../domain/access-grant.js';
import type { Page, PageRequest } from '../../redemption/page.js';
import { type GrantRow, grantOfRow } from '../grant-row.js';
import { decodeCursor, pageOf, rowsToRead } from '../page.js';
import type { SqliteConnection } from './connection.js';

const BY_UID = 'SELECT * FROM grants WHERE uid = ?';
const BY_NAME = 'SELECT * FROM grants WHERE namespace = ? AND name = ?';
const LIST = `SELECT * FROM grants WHERE (namespace, name) > (?, ?) ORDER BY namespace, name LIMIT ?`;
/** A page of the grants that files declare: behind a namespace and name, at most so many. */
export const LIST_DECLARED = LIST.replace('WHERE', 'WHERE source_file IS NOT NULL AND');
const LIST_NAMESPACE = 'SELECT * FROM grants WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?';
// The cases in the order in which grantState decides.
const COUNT = `SELECT CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at IS NULL THEN 'pending'
    WHEN expires_at <= ? THEN 'expired' WHEN redemptions >= redemptions_allowed THEN 'exhausted' ELSE 'ready' END
    AS state, count(*) AS count FROM grants GROUP BY state`;
const MADE_BEFORE = `SELECT 1 FROM grants WHERE created_at < ? AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > ?) LIMIT 1`;

function grantOf(row: unknown): AccessGrant | undefined {
  return row === undefined ? undefined : grantOfRow(row as GrantRow);
}

/** Reads behind GrantStore.findGrant. */
export function findGrant(connection: SqliteConnection, uid: string): AccessGrant | undefined {
  return grantOf(connection.statement(BY_UID).get(uid));
}

/** Reads behind GrantStore.findGrantByName. */
export function findGrantByName(
  connection: SqliteConnection,
  namespace: string,
  name: string,
): AccessGrant | undefined {
  return grantOf(connection.statement(BY_NAME).get(namespace, name));
}

/** Reads behind GrantStore.listGrants. */
export function listGrants(
  connection: SqliteConnection,
  page: PageRequest & { readonly namespace?: string },
): Page<AccessGrant> {
  if (page.namespace === undefined) return listAll(connection, LIST, page);
  const [, afterName] = positionOf(page);
  const rows = connection
    .statement(LIST_NAMESPACE)
    .all(page.namespace, String(afterName), rowsToRead(page.limit));
  return grantPage(rows, page);
}

/** Reads behind GrantStore.listDeclaredGrants. */
export function listDeclaredGrants(connection: SqliteConnection, page: PageRequest): Page<AccessGrant> {
  return listAll(connection, LIST_DECLARED, page);
}

function listAll(connection: SqliteConnection, sql: string, page: PageRequest): Page<AccessGrant> {
  const [afterNamespace, afterName] = positionOf(page);
  const rows = connection
    .statement(sql)
    .all(String(afterNamespace), String(afterName), rowsToRead(page.limit));
  return grantPage(rows, page);
}

function positionOf({ after }: PageRequest): (string | number)[] {
  return after === undefined ? ['', ''] : decodeCursor(after, 2);
}

function grantPage(rows: unknown[], { limit }: PageRequest): Page<AccessGrant> {
  return pageOf(rows as GrantRow[], limit, (row) => [row.namespace, row.name], grantOfRow);
}

/** Reads behind GrantStore.hasGrantMadeBefore. */
export function hasGrantMadeBefore(
  connection: SqliteConnection,
  madeBefore: number,
  endedAfter: number,
): boolean {
  return connection.statement(MADE_BEFORE).get(madeBefore, endedAfter) !== undefined;
}

/** Reads behind GrantStore.countGrants. */
export function countGrants(connection: SqliteConnection, now: number): Record<AccessGrantState, number> {
  const counts = { pending: 0, ready: 0, expired: 0, exhausted: 0, revoked: 0 };
  const rows = connection.statement(COUNT).all(now) as { state: AccessGrantState; count: number }[];
  for (const { state, count } of rows) counts[state] = count;
  return counts;
}

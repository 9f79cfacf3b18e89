import type { AccessGrant, AccessGrantState } from '../../domain/access-grant.js';
import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { GrantStore, IssuerUse } from '../../redemption/ports/grant-store.js';
import {
  type Page,
  type PageRequest,
  pageOf,
  rowsToRead,
  selectByLabels,
  selectItems,
  startOf,
} from '../../redemption/ports/page.js';
import { GRANT_BY_UID, GRANT_FIELDS, type GrantRow, grantOfRow } from './grant-row.js';
import { row, rows, type SqlOperation, value } from './operation.js';
import type { SqlDatabase } from './sql-database.js';

const SELECT = `SELECT ${GRANT_FIELDS} FROM grants`;
const BY_NAME = `${SELECT} WHERE namespace = ? AND name = ?`;
// Sorts before every namespace and name.
const BEGINNING = ['', ''] as const;
const LIST = `${SELECT} WHERE (namespace, name) > (?, ?) ORDER BY namespace, name LIMIT ?`;
/** Query for grants that files declare, after a namespace and name, up to a limit. */
export const LIST_DECLARED = LIST.replace('WHERE', 'WHERE source_file IS NOT NULL AND');
const LIST_NAMESPACE = `${SELECT} WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?`;
// The cases in the order in which grantState decides.
const COUNT = `SELECT CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at IS NULL THEN 'pending'
    WHEN expires_at <= ? THEN 'expired' WHEN redemptions >= redemptions_allowed THEN 'exhausted' ELSE 'ready' END
    AS state, count(*) AS count FROM grants GROUP BY state`;
const CREATED_BEFORE = `SELECT 1 FROM grants WHERE created_at < ? AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > ?) LIMIT 1`;
const OPEN_CONDITION = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)
  AND redemptions < redemptions_allowed`;
const BY_ISSUER = `SELECT namespace, issuer, count(*) AS grants FROM grants WHERE ${OPEN_CONDITION} GROUP BY namespace, issuer`;
const OPEN = `${SELECT} WHERE ${OPEN_CONDITION} ORDER BY namespace, name`;

/** Implements the reads of grants of the DatabaseStore on an SQL database. */
export function grantReads({ read }: SqlDatabase) {
  return {
    findGrant: (uid) => read(() => findGrant(GRANT_BY_UID, uid)),
    findGrantByName: (namespace, name) => read(() => findGrant(BY_NAME, namespace, name)),
    listGrants: async (page, matches) => selectItems(await read(() => listGrants(page)), matches),
    listDeclaredGrants: (page) => read(() => listAll(LIST_DECLARED, page)),
    hasGrantCreatedBefore: async (createdBefore, expiresAfter) =>
      (await read(() => value(CREATED_BEFORE, createdBefore, expiresAfter))) !== undefined,
    countGrants: (now) => read(() => countGrants(now)),
    countGrantsByIssuer: (now) => read(() => rows<IssuerUse>(BY_ISSUER, now)),
  } satisfies Partial<DatabaseStore>;
}

function* findGrant(query: string, ...values: readonly string[]): SqlOperation<AccessGrant | undefined> {
  const found = yield* row<GrantRow>(query, ...values);
  return found && grantOfRow(found);
}

function* listGrants(page: Parameters<GrantStore['listGrants']>[0]): SqlOperation<Page<AccessGrant>> {
  if (page.namespace === undefined) return selectByLabels(yield* listAll(LIST, page), page.labels);
  const [, afterName] = startOf(page.after, BEGINNING);
  const limit = rowsToRead(page.limit);
  const found = yield* rows<GrantRow>(LIST_NAMESPACE, page.namespace, afterName, limit);
  return selectByLabels(grantPage(found, page), page.labels);
}

function* listAll(sql: string, page: PageRequest): SqlOperation<Page<AccessGrant>> {
  const [namespace, name] = startOf(page.after, BEGINNING);
  const limit = rowsToRead(page.limit);
  return grantPage(yield* rows<GrantRow>(sql, namespace, name, limit), page);
}

function grantPage(found: readonly GrantRow[], { limit }: PageRequest): Page<AccessGrant> {
  return pageOf(found, limit, ({ namespace, name }) => [namespace, name], grantOfRow);
}

function* countGrants(now: number): SqlOperation<Record<AccessGrantState, number>> {
  const counts = { pending: 0, ready: 0, expired: 0, exhausted: 0, revoked: 0 };
  const found = yield* rows<{ readonly state: AccessGrantState; readonly count: number }>(COUNT, now);
  for (const { state, count } of found) counts[state] = count;
  return counts;
}

/** Returns all grants that can be redeemed at `now` or once they are ready, ordered by namespace and name. */
export function* openGrants(now: number): SqlOperation<AccessGrant[]> {
  return (yield* rows<GrantRow>(OPEN, now)).map(grantOfRow);
}

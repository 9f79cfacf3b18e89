import type { DatabaseStore } from '../../redemption/ports/database-store.js';
import type { GrantStore, ListedRedemption, UnlistedField } from '../../redemption/ports/grant-store.js';
import {
  type Page,
  pageOf,
  rowsToRead,
  selectByLabels,
  selectItems,
  startOf,
} from '../../redemption/ports/page.js';
import { rows, type SqlDialect, type SqlOperation, selectList } from './operation.js';
import { REDEMPTION_COLUMN_OF, type RedemptionRow } from './redemptions.js';
import { RENEWAL_COLUMN_OF } from './renewals.js';
import type { SqlDatabase } from './sql-database.js';

// The start of the name of each field of the newest renewal in a row of the listing.
const NEWEST = 'newest ';
const { certificate: _, policy: _policy, sealedAnswer: _sealed, ...LISTED_COLUMN_OF } = REDEMPTION_COLUMN_OF;
const { certificate: _renewed, ...NEWEST_COLUMN_OF } = RENEWAL_COLUMN_OF;
const NEWEST_COLUMNS = Object.fromEntries(
  Object.entries(NEWEST_COLUMN_OF).map(([field, column]) => [NEWEST + field, column]),
);

const LISTED_FIELDS = `${selectList(LISTED_COLUMN_OF, 'r.')}, ${selectList(NEWEST_COLUMNS, 'n.')}`;
/** The join that adds the newest renewal of each redemption, if it has one. */
export const NEWEST_RENEWAL = 'LEFT JOIN renewals n ON n.redemption_id = r.id AND n.number = r.renewals';

interface ListedRow extends Omit<RedemptionRow, UnlistedField> {
  readonly position: number;
}

/** Implements the listing of redemptions of the DatabaseStore on an SQL database. */
export function redemptionListing({ dialect, read }: SqlDatabase) {
  return {
    listRedemptions: async (page, matches) =>
      selectItems(await read(() => listRedemptions(dialect, page)), matches),
  } satisfies Partial<DatabaseStore>;
}

function* listRedemptions(
  dialect: SqlDialect,
  page: Parameters<GrantStore['listRedemptions']>[0],
): SqlOperation<Page<ListedRedemption>> {
  const [after] = startOf(page.after, [0]);
  const limit = rowsToRead(page.limit);
  const { from, position, grantUid } = dialect.redemptionParts;
  const ofGrant = page.grantUid === undefined ? [] : [page.grantUid];
  const conditions = [...ofGrant.map(() => `${grantUid} = ?`), `${position} > ?`, 'r.created_at >= ?'];
  const sql = `SELECT ${LISTED_FIELDS}, ${position} AS position FROM ${from} ${NEWEST_RENEWAL}
    WHERE ${conditions.join(' AND ')} ORDER BY ${position} LIMIT ?`;
  const found = yield* rows<ListedRow>(sql, ...ofGrant, after, page.since ?? 0, limit);
  const listed = pageOf(found, page.limit, ({ position }) => [position], listedRedemption);
  return selectByLabels(listed, page.labels);
}

function listedRedemption({ position: _, ...row }: ListedRow): ListedRedemption {
  const own: Record<string, unknown> = {};
  const newest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row)) {
    if (name.startsWith(NEWEST)) newest[name.slice(NEWEST.length)] = value;
    else own[name] = value;
  }
  own.labels = JSON.parse(row.labels);
  if (newest.number !== null) own.newest = newest;
  return own as unknown as ListedRedemption;
}

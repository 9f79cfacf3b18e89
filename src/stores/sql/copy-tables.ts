import { GRANT_COLUMNS } from './grant-row.js';
import {
  change,
  chunks,
  rawRows,
  rows,
  type SqlDialect,
  type SqlOperation,
  type SqlValue,
  tuples,
  value,
} from './operation.js';
import { REDEMPTION_COLUMNS } from './redemption-row.js';
import { RENEWAL_COLUMNS } from './renewals.js';

/** A database that is open for one transaction, which may span many turns of the event loop. */
export interface TableSession {
  readonly dialect: SqlDialect;
  run<T>(operation: SqlOperation<T>): Promise<T>;
  /** Commits the transaction if `isDone`, else rolls it back; closes the database. */
  close(isDone: boolean): Promise<void>;
}

/** Number of copied rows, by table. */
export type CopiedRows = Readonly<Record<string, number>>;

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Number of leading columns that form the key. */
  readonly key: number;
}

const STEP = 500;
const TABLES: readonly Table[] = [
  { name: 'grants', columns: GRANT_COLUMNS, key: 1 },
  { name: 'renewals', columns: RENEWAL_COLUMNS, key: 2 },
  {
    name: 'codes',
    columns: ['grant_uid', 'jti', 'uses', 'used', 'expires_at', 'subject', 'issued_at', 'revoked_at'],
    key: 2,
  },
  {
    name: 'events',
    columns: ['position', 'grant_uid', 'seq', 'at', 'kind', 'redemption_id', 'detail', 'mac'],
    key: 1,
  },
  {
    name: 'refusals',
    columns: ['grant_uid', 'code', 'name', 'subject', 'peer', 'count', 'first_at', 'last_at', 'mac'],
    key: 5,
  },
  { name: 'expiring_ledgers', columns: ['grant_uid', 'check_at'], key: 1 },
  { name: 'outcomes', columns: ['id', 'kid', 'request', 'created_id', 'sealed', 'until'], key: 1 },
];
const REDEMPTIONS: Table = { name: 'redemptions', columns: REDEMPTION_COLUMNS, key: 1 };
/** Tables that a new database has rows in; the rows of the source replace them. */
const INITIALIZED: readonly Table[] = [
  { name: 'ledger_end', columns: ['id', 'position', 'removed', 'refusals', 'mac'], key: 1 },
];
const SETTINGS: Table = { name: 'settings', columns: ['key', 'value'], key: 1 };
// Settings about the schema and about running services belong to one database.
const COPIED_SETTINGS =
  "WHERE key NOT LIKE 'schema-%' AND key NOT LIKE 'serving-%' AND key <> 'webhook-delivery'";

/** Returns the name of the first table that has rows; undefined for a new database. */
export function* firstFilledTable(): SqlOperation<string | undefined> {
  for (const { name } of [REDEMPTIONS, ...TABLES]) {
    if ((yield* value(`SELECT 1 FROM ${name} LIMIT 1`)) !== undefined) return name;
  }
  return undefined;
}

/**
 * Copies every row of one database into an empty one of the same schema. Calls `onProgress` with the number of
 * rows that are copied so far.
 */
export async function copyTables(
  source: TableSession,
  target: TableSession,
  onProgress: (copied: number) => void,
): Promise<CopiedRows> {
  let total = 0;
  const onStep = (rowCount: number) => {
    total += rowCount;
    onProgress(total);
  };
  const copied: Record<string, number> = { redemptions: await copyRedemptions(source, target, onStep) };
  for (const table of TABLES) copied[table.name] = await copyTable(source, target, table, onStep);
  for (const table of INITIALIZED) {
    await target.run(change(`DELETE FROM ${table.name}`));
    await copyTable(source, target, table, onStep);
  }
  const settings = await source.run(rawRows(`SELECT key, value FROM settings ${COPIED_SETTINGS}`));
  await target.run(change(`DELETE FROM settings ${COPIED_SETTINGS}`));
  await target.run(insert(SETTINGS, settings));
  for (const [name, count] of Object.entries(copied)) {
    const rowCount = Number(await source.run(value(`SELECT count(*) FROM ${name}`)));
    // Rows that the listing did not return would be lost without notice.
    if (rowCount !== count)
      throw new Error(`only ${count} of the ${rowCount} rows of table ${name} could be copied`);
  }
  return copied;
}

async function copyTable(
  source: TableSession,
  target: TableSession,
  table: Table,
  onStep: (rowCount: number) => void,
): Promise<number> {
  let copied = 0;
  let after: readonly SqlValue[] | undefined;
  for (;;) {
    const found = await source.run(pageOf(table, after));
    await target.run(insert(table, found));
    onStep(found.length);
    copied += found.length;
    after = found.at(-1)?.slice(0, table.key);
    if (found.length < STEP) return copied;
  }
}

/** Copies redemptions in commit order, which is the order of the target's listings too. */
async function copyRedemptions(
  source: TableSession,
  target: TableSession,
  onStep: (rowCount: number) => void,
): Promise<number> {
  let copied = 0;
  let after = 0;
  for (;;) {
    const found = await source.run(
      rows<Readonly<Record<string, SqlValue>>>(source.dialect.redemptions, after, 0, STEP),
    );
    const values = found.map((one) => REDEMPTION_COLUMNS.map((column) => one[column] ?? null));
    await target.run(insert(REDEMPTIONS, values));
    onStep(found.length);
    copied += found.length;
    after = Number(found.at(-1)?.position);
    if (found.length < STEP) return copied;
  }
}

function* pageOf(
  { name, columns, key }: Table,
  after: readonly SqlValue[] | undefined,
): SqlOperation<readonly (readonly SqlValue[])[]> {
  const keys = columns.slice(0, key).join(', ');
  const behind = after ? `WHERE (${keys}) > ${tuples(1, key)}` : '';
  const sql = `SELECT ${columns.join(', ')} FROM ${name} ${behind} ORDER BY ${keys} LIMIT ${STEP}`;
  return yield* rawRows(sql, ...(after ?? []));
}

function* insert({ name, columns }: Table, list: readonly (readonly SqlValue[])[]): SqlOperation<void> {
  for (const chunk of chunks(list)) {
    const sql = `INSERT INTO ${name} (${columns.join(', ')}) VALUES ${tuples(chunk.length, columns.length)}`;
    yield* change(sql, ...chunk.flat());
  }
}

import { GRANT_COLUMNS } from './grant-row.js';
import {
  change,
  chunks,
  insertInto,
  rawRows,
  rows,
  type SqlDialect,
  type SqlOperation,
  type SqlValue,
  tuples,
  value,
} from './operation.js';
import { REDEMPTION_COLUMNS } from './redemptions.js';
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
  /** Number of leading columns that form the primary key. */
  readonly keyLength: number;
}

const STEP = 500;
const TABLES: readonly Table[] = [
  { name: 'grants', columns: GRANT_COLUMNS, keyLength: 1 },
  { name: 'renewals', columns: RENEWAL_COLUMNS, keyLength: 2 },
  {
    name: 'codes',
    columns: ['grant_uid', 'jti', 'uses', 'used', 'expires_at', 'subject', 'issued_at', 'revoked_at'],
    keyLength: 2,
  },
  {
    name: 'events',
    columns: ['position', 'grant_uid', 'seq', 'at', 'kind', 'redemption_id', 'detail', 'mac'],
    keyLength: 1,
  },
  {
    name: 'refusals',
    columns: ['grant_uid', 'code', 'name', 'subject', 'peer', 'count', 'first_at', 'last_at', 'mac'],
    keyLength: 5,
  },
  { name: 'expiring_ledgers', columns: ['grant_uid', 'check_at'], keyLength: 1 },
  { name: 'outcomes', columns: ['id', 'kid', 'request', 'created_id', 'sealed', 'until'], keyLength: 1 },
];
const REDEMPTIONS: Table = { name: 'redemptions', columns: REDEMPTION_COLUMNS, keyLength: 1 };
// A new database has a row in it, which the row of the source replaces.
const LEDGER_END: Table = {
  name: 'ledger_end',
  columns: ['id', 'position', 'removed', 'refusals', 'mac'],
  keyLength: 1,
};
const SETTINGS: Table = { name: 'settings', columns: ['key', 'value'], keyLength: 1 };
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
  await target.run(change(`DELETE FROM ${LEDGER_END.name}`));
  await copyTable(source, target, LEDGER_END, onStep);
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
    after = found.at(-1)?.slice(0, table.keyLength);
    if (found.length < STEP) return copied;
  }
}

/** Copies redemptions in commit order, so that both databases list them in the same order. */
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
    const values = found.map((row) => REDEMPTION_COLUMNS.map((column) => row[column] ?? null));
    await target.run(insert(REDEMPTIONS, values));
    onStep(found.length);
    copied += found.length;
    after = Number(found.at(-1)?.position);
    if (found.length < STEP) return copied;
  }
}

function* pageOf(
  { name, columns, keyLength }: Table,
  after: readonly SqlValue[] | undefined,
): SqlOperation<readonly (readonly SqlValue[])[]> {
  const keys = columns.slice(0, keyLength).join(', ');
  const where = after ? `WHERE (${keys}) > ${tuples(1, keyLength)}` : '';
  const sql = `SELECT ${columns.join(', ')} FROM ${name} ${where} ORDER BY ${keys} LIMIT ${STEP}`;
  return yield* rawRows(sql, ...(after ?? []));
}

function* insert({ name, columns }: Table, list: readonly (readonly SqlValue[])[]): SqlOperation<void> {
  for (const chunk of chunks(list)) {
    yield* change(insertInto(name, columns, chunk.length), ...chunk.flat());
  }
}

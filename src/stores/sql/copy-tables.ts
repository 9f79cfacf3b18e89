import { GRANT_COLUMNS } from './grant-row.js';
import { EVENT_COLUMNS } from './ledger/ledger-chain.js';
import { REFUSAL_COLUMNS } from './ledger/ledger-mac.js';
import {
  change,
  chunks,
  insertInto,
  rawRows,
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
}

/** Number of copied rows, by table. */
export type CopiedRows = Readonly<Record<string, number>>;

type Row = readonly SqlValue[];

/**
 * Reads the rows that follow `last`, or the first rows. Values after the columns of the table, such as a position, are not
 * copied.
 */
type RowsAfter = (last: Row | undefined) => SqlOperation<readonly Row[]>;

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
  { name: 'events', columns: EVENT_COLUMNS, keyLength: 1 },
  { name: 'refusals', columns: REFUSAL_COLUMNS, keyLength: 5 },
  { name: 'wrong_codes', columns: ['grant_uid', 'count', 'last_at', 'last_peer'], keyLength: 1 },
  { name: 'expiring_ledgers', columns: ['grant_uid', 'check_at'], keyLength: 1 },
  { name: 'outcomes', columns: ['id', 'kid', 'request', 'created_id', 'sealed', 'until'], keyLength: 1 },
];
const REDEMPTIONS: Table = { name: 'redemptions', columns: REDEMPTION_COLUMNS, keyLength: 1 };
// The row of the source replaces the row of a new database.
const LEDGER_END: Table = {
  name: 'ledger_end',
  columns: ['id', 'writes', 'position', 'removed', 'removed_set', 'refusals', 'mac'],
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
  const copy = (table: Table, rowsAfter = rowsByKey(table)) =>
    copyTable(source, target, table, rowsAfter, onStep);
  const copied: Record<string, number> = {
    redemptions: await copy(REDEMPTIONS, redemptionsByCommit(source.dialect)),
  };
  for (const table of TABLES) copied[table.name] = await copy(table);
  await target.run(change(`DELETE FROM ${LEDGER_END.name}`));
  await copy(LEDGER_END);
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
  rowsAfter: RowsAfter,
  onStep: (rowCount: number) => void,
): Promise<number> {
  let copied = 0;
  let last: Row | undefined;
  for (;;) {
    const found = await source.run(rowsAfter(last));
    await target.run(insert(table, found));
    onStep(found.length);
    copied += found.length;
    last = found.at(-1);
    if (found.length < STEP) return copied;
  }
}

function rowsByKey({ name, columns, keyLength }: Table): RowsAfter {
  const keys = columns.slice(0, keyLength).join(', ');
  return (last) => {
    const where = last ? `WHERE (${keys}) > ${tuples(1, keyLength)}` : '';
    const sql = `SELECT ${columns.join(', ')} FROM ${name} ${where} ORDER BY ${keys} LIMIT ${STEP}`;
    return rawRows(sql, ...(last ?? []).slice(0, keyLength));
  };
}

/** Reads redemptions in commit order, so that both databases list them in the same order. */
function redemptionsByCommit({ redemptionParts: { from, position } }: SqlDialect): RowsAfter {
  const columns = REDEMPTION_COLUMNS.map((column) => `r.${column}`).join(', ');
  const sql = `SELECT ${columns}, ${position} FROM ${from} WHERE ${position} > ? ORDER BY ${position} LIMIT ${STEP}`;
  return (last) => rawRows(sql, last?.at(-1) ?? 0);
}

function* insert({ name, columns }: Table, list: readonly Row[]): SqlOperation<void> {
  for (const chunk of chunks(list)) {
    const values = chunk.flatMap((row) => row.slice(0, columns.length));
    yield* change(insertInto(name, columns, chunk.length), ...values);
  }
}

/** A value that a column holds. */
export type SqlValue = string | number | Uint8Array | null;

/** A statement for the database; each `?` in it stands for one of the values. */
export interface SqlStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Whether rows are returned as lists of values in column order, and not as objects. */
  readonly isRaw?: boolean;
  /** Whether the result is not needed: a failure shows in a later statement, or in the commit at the latest. */
  readonly isResultIgnored?: boolean;
}

/** The result of a statement: its rows, and the number of changed rows. */
export interface SqlResult {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/**
 * A database operation as a generator of statements, so that one definition runs on the synchronous SQLite and the
 * asynchronous PostgreSQL driver. The runner executes the statements of a step in order and passes their results back, or
 * throws the first failure into the generator.
 */
export type SqlOperation<T> = Generator<readonly SqlStatement[], T, readonly SqlResult[]>;

function* single(statement: SqlStatement): SqlOperation<SqlResult> {
  return (yield [statement])[0] as SqlResult;
}

/** Sends several statements at once, so that a remote database costs one round trip. */
export function* batch<const Statements extends readonly (readonly [string, ...SqlValue[]])[]>(
  ...list: Statements
): SqlOperation<{ readonly [At in keyof Statements]: SqlResult }> {
  const statements = list.map(([sql, ...values]) => ({ sql, values }));
  return (yield statements) as { readonly [At in keyof Statements]: SqlResult };
}

/** Returns the rows of a query. */
export function* rows<Row>(sql: string, ...values: readonly SqlValue[]): SqlOperation<readonly Row[]> {
  return (yield* single({ sql, values })).rows as readonly Row[];
}

/** Returns the first row of a query. */
export function* row<Row>(sql: string, ...values: readonly SqlValue[]): SqlOperation<Row | undefined> {
  return (yield* single({ sql, values })).rows[0] as Row | undefined;
}

/** Returns the rows of a query, each as a list of values in column order. */
export function* rawRows(
  sql: string,
  ...values: readonly SqlValue[]
): SqlOperation<readonly (readonly SqlValue[])[]> {
  return (yield* single({ sql, values, isRaw: true })).rows as readonly (readonly SqlValue[])[];
}

/** Returns the first value of a query's first row. */
export function* value(sql: string, ...values: readonly SqlValue[]): SqlOperation<SqlValue | undefined> {
  return (yield* rawRows(sql, ...values))[0]?.[0];
}

/** Runs a statement and returns the number of rows that it changed. */
export function* change(sql: string, ...values: readonly SqlValue[]): SqlOperation<number> {
  return (yield* single({ sql, values })).changes;
}

/** Runs a statement in a transaction without waiting for its result. */
export function* put(sql: string, ...values: readonly SqlValue[]): SqlOperation<void> {
  yield [{ sql, values, isResultIgnored: true }];
}

/**
 * Condition for entries `e` at a position from 1 to the end of the ledger. Only a writer of the database adds other rows, which a
 * verification reports. The plus sign prevents the use of the index on positions.
 */
export const IN_CHAIN = '+e.position BETWEEN 1 AND (SELECT position FROM ledger_end)';

const SETTING = 'SELECT value FROM settings WHERE key = ?';
const WRITE_SETTING = `INSERT INTO settings (key, value) VALUES (?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;

/** Returns a value of table `settings`; undefined if it has none for the key. */
export function setting(key: string): SqlOperation<string | undefined> {
  return value(SETTING, key) as SqlOperation<string | undefined>;
}

/** Inserts or replaces a value of table `settings`. */
export function* writeSetting(key: string, text: string): SqlOperation<void> {
  yield* change(WRITE_SETTING, key, text);
}

/** The statements that differ between SQL databases. */
export interface SqlDialect {
  /** Parts of a query for redemptions (as `r`) in commit order: the tables, and the expressions for position and grant. */
  readonly redemptionParts: { readonly from: string; readonly position: string; readonly grantUid: string };
  /** Returns a condition: the expression `text`, with its ASCII letters in lower case, contains the value of a placeholder. */
  contains(text: string): string;
  /**
   * Finds a part of the schema that this program did not create, such as a trigger, view or rule: it can change or hide rows
   * within any transaction. Returns it as the end of a sentence about the ledger.
   */
  schemaProblem(): SqlOperation<string | undefined>;
  /**
   * Finds a table and an index of it that differ, so that two queries return different rows. Returns the difference as the end of
   * a sentence about the ledger. Absent where a writer of the database cannot cause one.
   */
  indexProblem?(): SqlOperation<string | undefined>;
}

const MAX_CHUNK = 32;

/**
 * Splits a list into chunks whose sizes are powers of two, at most 32, largest first: a few prepared statements are enough
 * for lists of any length.
 */
export function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  let size = MAX_CHUNK;
  for (let start = 0; start < list.length; start += size) {
    while (size > list.length - start) size /= 2;
    yield list.slice(start, start + size);
  }
}

/** Returns placeholders for the values of `count` rows: `(?, ?), (?, ?)`. */
export function tuples(count: number, width: number): string {
  const tuple = `(${Array(width).fill('?').join(', ')})`;
  return Array(count).fill(tuple).join(', ');
}

/** Returns a select list that names each column after its field; `columns` maps fields to columns. */
export function selectList(columns: Readonly<Record<string, string>>, prefix = ''): string {
  const selected = Object.entries(columns).map(([field, column]) => `${prefix}${column} AS "${field}"`);
  return selected.join(', ');
}

/** Returns the statement that inserts `count` rows into a table. */
export function insertInto(table: string, columns: readonly string[], count = 1): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${tuples(count, columns.length)}`;
}

/** A value that a column holds. */
export type SqlValue = string | number | Uint8Array | null;

/** A statement for the database; each `?` in it stands for one of the values. */
export interface SqlStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Rows are lists of values in the order of the columns, in place of objects. */
  readonly isRaw?: boolean;
  /** Nobody waits for what comes of it: its failure shows in a later statement, or in the commit at the latest. */
  readonly isUnwatched?: boolean;
}

/** What a statement gave: its rows, and how many rows it has changed. */
export interface SqlResult {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/**
 * What is done with a database, one statement after the other, and what comes of it. It is the same for a driver that
 * answers at once and for one that is waited for: whoever runs it gives each statement's result back.
 */
export type SqlOperation<T> = Generator<SqlStatement, T, SqlResult>;

/** The rows of a query. */
export function* rows<Row>(sql: string, ...values: readonly SqlValue[]): SqlOperation<readonly Row[]> {
  return (yield { sql, values }).rows as readonly Row[];
}

/** The first row of a query. */
export function* row<Row>(sql: string, ...values: readonly SqlValue[]): SqlOperation<Row | undefined> {
  return (yield { sql, values }).rows[0] as Row | undefined;
}

/** The rows of a query, each a list of values in the order of its columns. */
export function* rawRows(
  sql: string,
  ...values: readonly SqlValue[]
): SqlOperation<readonly (readonly SqlValue[])[]> {
  return (yield { sql, values, isRaw: true }).rows as readonly (readonly SqlValue[])[];
}

/** The first value of a query's first row. */
export function* value(sql: string, ...values: readonly SqlValue[]): SqlOperation<SqlValue | undefined> {
  return (yield* rawRows(sql, ...values))[0]?.[0];
}

/** How many rows a statement has changed. */
export function* change(sql: string, ...values: readonly SqlValue[]): SqlOperation<number> {
  return (yield { sql, values }).changes;
}

/** A change that is part of a transaction and of which nobody wants to know more. */
export function* put(sql: string, ...values: readonly SqlValue[]): SqlOperation<void> {
  yield { sql, values, isUnwatched: true };
}

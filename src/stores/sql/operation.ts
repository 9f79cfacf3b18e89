/** A value that a column holds. */
export type SqlValue = string | number | Uint8Array | null;

/** A statement for the database; each `?` in it stands for one of the values. */
export interface SqlStatement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** Rows are lists of values in the order of the columns, in place of objects. */
  readonly isRaw?: boolean;
  /** Nobody waits for what comes of it: its failure shows in a later statement, or in the commit at the latest. */
  readonly isResultIgnored?: boolean;
}

/** What a statement gave: its rows, and how many rows it has changed. */
export interface SqlResult {
  readonly rows: readonly unknown[];
  readonly changes: number;
}

/**
 * What is done with a database, one step after the other, and what comes of it. It is the same for a driver that answers at
 * once and for one that is waited for: whoever runs it does a step's statements in their order, and gives the result of each
 * back, or throws the first failure into it.
 */
export type SqlOperation<T> = Generator<readonly SqlStatement[], T, readonly SqlResult[]>;

function* single(statement: SqlStatement): SqlOperation<SqlResult> {
  return (yield [statement])[0] as SqlResult;
}

/** Several statements that leave for the database batch, so that they are waited for once. */
export function* batch<const Asked extends readonly (readonly [string, ...SqlValue[]])[]>(
  ...asked: Asked
): SqlOperation<{ readonly [At in keyof Asked]: SqlResult }> {
  const statements = asked.map(([sql, ...values]) => ({ sql, values }));
  return (yield statements) as { readonly [At in keyof Asked]: SqlResult };
}

/** The rows of a query. */
export function* rows<Row>(sql: string, ...values: readonly SqlValue[]): SqlOperation<readonly Row[]> {
  return (yield* single({ sql, values })).rows as readonly Row[];
}

/** The first row of a query. */
export function* row<Row>(sql: string, ...values: readonly SqlValue[]): SqlOperation<Row | undefined> {
  return (yield* single({ sql, values })).rows[0] as Row | undefined;
}

/** The rows of a query, each a list of values in the order of its columns. */
export function* rawRows(
  sql: string,
  ...values: readonly SqlValue[]
): SqlOperation<readonly (readonly SqlValue[])[]> {
  return (yield* single({ sql, values, isRaw: true })).rows as readonly (readonly SqlValue[])[];
}

/** The first value of a query's first row. */
export function* value(sql: string, ...values: readonly SqlValue[]): SqlOperation<SqlValue | undefined> {
  return (yield* rawRows(sql, ...values))[0]?.[0];
}

/** How many rows a statement has changed. */
export function* change(sql: string, ...values: readonly SqlValue[]): SqlOperation<number> {
  return (yield* single({ sql, values })).changes;
}

/** A change that is part of a transaction and of which nobody wants to know more. */
export function* put(sql: string, ...values: readonly SqlValue[]): SqlOperation<void> {
  yield [{ sql, values, isResultIgnored: true }];
}

/** What SQL databases say differently. */
export interface SqlDialect {
  /** Ends a query whose row nobody else may change until this transaction is over. */
  readonly forUpdate: string;
  /**
   * Redemptions in the order of their commits, each row with its `position`: those of a position after the first value, made
   * at the second or later, as many as the third.
   */
  readonly redemptions: string;
  /** The same of one grant, which is the first value. */
  readonly redemptionsOfGrant: string;
}

const MOST = 32;

/**
 * Cuts a list into chunks of a power of two each, at most 32, the largest first: a few prepared statements do for lists of
 * any length.
 */
export function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  let size = MOST;
  for (let start = 0; start < list.length; start += size) {
    while (size > list.length - start) size /= 2;
    yield list.slice(start, start + size);
  }
}

/** Placeholders for the values of so many rows: `(?, ?), (?, ?)`. */
export function tuples(count: number, width: number): string {
  return Array(count)
    .fill(`(${placeholders(width)})`)
    .join(', ');
}

/** Placeholders for so many values: `?, ?`. */
function placeholders(count: number): string {
  return Array(count).fill('?').join(', ');
}

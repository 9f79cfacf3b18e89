import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** A value of a column or of a parameter. */
export type SqliteValue = SQLInputValue;

/** A prepared statement. */
export interface SqliteStatement {
  readonly isReader: boolean;
  /** Executes the statement and returns the number of changed rows. */
  run(...values: readonly SqliteValue[]): number;
  /** Returns the first column of the first row, undefined without rows. */
  value(...values: readonly SqliteValue[]): unknown;
  /** Returns the rows: objects, or with `isRaw` lists of values in column order. */
  rows(values: readonly SqliteValue[], isRaw: boolean): unknown[];
}

/** An open database. */
export interface SqliteFile {
  prepare(sql: string): SqliteStatement;
  /** Runs statements that return nothing. */
  exec(sql: string): void;
  inTransaction(): boolean;
  /** Closes the file in any state. */
  close(): void;
}

// The names of the primary result codes, by number.
const RESULT_CODES = (
  'OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY ' +
  'SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB'
).split(' ');

/** Runs an operation. Errors get the result code of SQLite as `code` instead of `ERR_SQLITE_ERROR`. */
function withResultCode<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const { errcode } = error as { readonly errcode?: unknown };
    // The lowest byte of an extended code is the primary one.
    if (typeof errcode === 'number')
      Object.assign(error as Error, { code: `SQLITE_${RESULT_CODES[errcode & 0xff]}` });
    throw error;
  }
}

/** Returns SQLite's primary result code of an error (`SQLITE_IOERR`), undefined for other errors. */
export function primaryCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^SQLITE_[A-Z]+/.exec(error.code)?.[0];
}

function wrap(statement: StatementSync): SqliteStatement {
  return {
    isReader: statement.columns().length > 0,
    run: (...values) => withResultCode(() => Number(statement.run(...values).changes)),
    value(...values) {
      statement.setReturnArrays(true);
      const row = withResultCode(() => statement.get(...values)) as readonly unknown[] | undefined;
      return row?.[0];
    },
    rows(values, isRaw) {
      statement.setReturnArrays(isRaw);
      return withResultCode(() => statement.all(...values));
    },
  };
}

/**
 * Opens an existing file with the SQLite of Node. Nothing waits: a locked database throws at once. Errors have the result code as
 * `code` (`SQLITE_BUSY`).
 */
export function openSqliteFile(file: string): SqliteFile {
  const url = pathToFileURL(file);
  // Without `mode=rw` a missing file would be created.
  url.search = 'mode=rw';
  return wrapDatabase(withResultCode(() => new DatabaseSync(url, { timeout: 0 })));
}

/** Opens an empty database in memory. */
export function openSqliteMemory(): SqliteFile {
  return wrapDatabase(new DatabaseSync(':memory:'));
}

function wrapDatabase(db: DatabaseSync): SqliteFile {
  return {
    prepare: (sql) => wrap(withResultCode(() => db.prepare(sql))),
    exec: (sql) => withResultCode(() => db.exec(sql)),
    inTransaction: () => db.isTransaction,
    close() {
      if (db.isOpen) db.close();
    },
  };
}

/** A value of a column or of a parameter. */
export type SqliteValue = string | number | Uint8Array | null;

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

/** An open database file. */
export interface SqliteFile {
  prepare(sql: string): SqliteStatement;
  /** Runs statements that return nothing. */
  exec(sql: string): void;
  inTransaction(): boolean;
  /** Closes the file in any state. */
  close(): void;
}

/** The names of the drivers. */
export type SqliteDriverName = 'node:sqlite' | 'better-sqlite3';

/**
 * A library that opens SQLite files. Its functions never wait: a locked database throws at once. Their errors have the result
 * code as `code` (`SQLITE_BUSY`). A process must use one library for a file: closing the file in one releases the locks of the
 * other.
 */
export interface SqliteDriver {
  readonly name: SqliteDriverName;
  /** Opens an existing file. */
  open(file: string): SqliteFile;
}

/** Returns SQLite's primary result code of an error (`SQLITE_IOERR`), undefined for other errors. */
export function primaryCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^SQLITE_[A-Z]+/.exec(error.code)?.[0];
}

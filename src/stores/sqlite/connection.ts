import { setImmediate as yieldTurn } from 'node:timers/promises';
import type BetterSqlite3 from 'better-sqlite3';
import type { HighWaterMarks } from '../high-water-marks.js';
import type { LedgerKeyFile } from '../ledger-key.js';
import { LedgerChain } from '../sql/ledger-chain.js';
import type { SqlOperation, SqlResult, SqlStatement, SqlValue } from '../sql/operation.js';
import { StoreOpenError } from '../store-open-error.js';
import { fileIdentity } from './database-file.js';
import { primaryCode } from './sqlite-failure.js';

/** An open database with its prepared statements. Nothing here waits: a locked database throws `SQLITE_BUSY`. */
export interface SqliteConnection {
  /** Returns the statement for this SQL, prepared once. */
  statement(sql: string): BetterSqlite3.Statement<SqlValue[], unknown>;
  /** The ledger of this connection. */
  readonly ledger: LedgerChain;
  /** True while a transaction is open. */
  inTransaction(): boolean;
  /** Copies the WAL into the file and truncates it. Returns false if another connection prevented that. */
  truncateWal(): boolean;
  /** Returns false if the file was removed or replaced. */
  isCurrent(): boolean;
  /** Closes the database in any state. */
  close(): void;
}

// From Node 24.19 on, the process aborts if a driver object is collected while no JavaScript runs (its destructor needs the
// environment). So all of them stay referenced: a closed connection leaves a few kilobytes, and startSession bounds how
// often a lost connection is reopened.
const retained: object[] = [];

function openFile(Database: typeof BetterSqlite3, file: string): BetterSqlite3.Database {
  try {
    const db = new Database(file, { fileMustExist: true, timeout: 0 });
    retained.push(db);
    return db;
  } catch (error) {
    // The driver's own error about a missing directory has no result code.
    if (primaryCode(error) !== undefined) throw error;
    throw new StoreOpenError(`the store ${file} cannot be opened`, 'check that its directory exists', {
      cause: error,
    });
  }
}

/**
 * Opens an existing database file durably: write-ahead log, every commit synced, deleted content overwritten.
 * Throws SQLite's own errors, and StoreOpenError for a file that is no database.
 */
export function openConnection(
  Database: typeof BetterSqlite3,
  file: string,
  ledgerKey: LedgerKeyFile,
  marks: HighWaterMarks,
): SqliteConnection {
  const db = openFile(Database, file);
  const statements = new Map<string, BetterSqlite3.Statement<SqlValue[], unknown>>();
  retained.push(statements);
  const statement = (sql: string): BetterSqlite3.Statement<SqlValue[], unknown> => {
    let prepared = statements.get(sql);
    if (!prepared) {
      prepared = db.prepare<SqlValue[], unknown>(sql);
      statements.set(sql, prepared);
    }
    return prepared;
  };
  try {
    // The driver's own pragma() prepares a new statement each time.
    if (statement('PRAGMA journal_mode = WAL').pluck().get() !== 'wal') {
      throw new StoreOpenError(`the store ${file} cannot have a write-ahead log`, 'put it on a local disk');
    }
    // journal_size_limit shrinks a log that grew under load.
    db.exec(
      'PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA journal_size_limit = 16777216',
    );
  } catch (error) {
    db.close();
    if (primaryCode(error) === 'SQLITE_NOTADB') {
      throw new StoreOpenError(`the store ${file} is not an SQLite database`, 'name another file', {
        cause: error,
      });
    }
    throw error;
  }
  const identity = fileIdentity(file);
  return {
    statement,
    ledger: new LedgerChain(ledgerKey, marks),
    inTransaction: () => db.inTransaction,
    truncateWal: () => statement('PRAGMA wal_checkpoint(TRUNCATE)').pluck().get() === 0,
    isCurrent: () => fileIdentity(file) === identity,
    close: () => db.close(),
  };
}

/** Runs an operation on a connection synchronously. Throws SQLite's own errors, and those of the operation. */
export function runOperation<T>(connection: SqliteConnection, operation: SqlOperation<T>): T {
  let step = operation.next();
  while (!step.done) step = nextStep(connection, operation, step.value);
  return step.value;
}

// How long a yielding operation blocks the event loop.
const TURN_MS = 5;

/** Runs an operation on a connection, and lets other work of the process run meanwhile. Rejects as runOperation throws. */
export async function runYielding<T>(connection: SqliteConnection, operation: SqlOperation<T>): Promise<T> {
  let step = operation.next();
  let startedAt = performance.now();
  while (!step.done) {
    step = nextStep(connection, operation, step.value);
    if (performance.now() - startedAt < TURN_MS) continue;
    await yieldTurn();
    startedAt = performance.now();
  }
  return step.value;
}

function nextStep<T>(
  connection: SqliteConnection,
  operation: SqlOperation<T>,
  statements: readonly SqlStatement[],
): IteratorResult<readonly SqlStatement[], T> {
  let results: SqlResult[];
  try {
    results = statements.map((statement) => resultOf(connection, statement));
  } catch (error) {
    return operation.throw(error);
  }
  return operation.next(results);
}

function resultOf(connection: SqliteConnection, { sql, values, isRaw }: SqlStatement): SqlResult {
  const statement = connection.statement(sql);
  if (!statement.reader) return { rows: [], changes: statement.run(...values).changes };
  return { rows: statement.raw(isRaw === true).all(...values), changes: 0 };
}

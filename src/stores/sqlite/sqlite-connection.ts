import { setImmediate as yieldTurn } from 'node:timers/promises';
import { openSqliteFile, primaryCode, type SqliteStatement } from '../../files/sqlite-file.js';
import type { LedgerKeyFile } from '../ledger-key.js';
import { LedgerChain } from '../sql/ledger/ledger-chain.js';
import type { SqlOperation, SqlResult, SqlStatement } from '../sql/operation.js';
import { StoreOpenError } from '../store-open-error.js';
import { fileIdentity } from './database-file.js';
import { schemaVersion } from './migrations.js';

/** An open database with its prepared statements. Nothing here waits: a locked database throws `SQLITE_BUSY`. */
export interface SqliteConnection {
  /** Returns the statement for this SQL, prepared once. */
  statement(sql: string): SqliteStatement;
  readonly ledger: LedgerChain;
  inTransaction(): boolean;
  /** Copies the WAL into the file and truncates it. Returns false if another connection prevented that. */
  truncateWal(): boolean;
  /** Returns false if the file was removed or replaced. */
  isCurrent(): boolean;
  /** Closes the database in any state. */
  close(): void;
}

/**
 * Opens an existing database file durably: write-ahead log, every commit synced, deleted content overwritten.
 * Throws SQLite's own errors, and StoreOpenError for a file that is no database, or that of another program.
 */
export function openSqliteConnection(file: string, ledgerKey: LedgerKeyFile): SqliteConnection {
  const db = openSqliteFile(file);
  const statements = new Map<string, SqliteStatement>();
  const statement = (sql: string): SqliteStatement => {
    let prepared = statements.get(sql);
    if (!prepared) {
      prepared = db.prepare(sql);
      statements.set(sql, prepared);
    }
    return prepared;
  };
  const identity = fileIdentity(file);
  const connection: SqliteConnection = {
    statement,
    ledger: new LedgerChain(ledgerKey),
    inTransaction: db.inTransaction,
    truncateWal: () => statement('PRAGMA wal_checkpoint(TRUNCATE)').value() === 0,
    isCurrent: () => fileIdentity(file) === identity,
    close: db.close,
  };
  try {
    // Check the schema before setting WAL: the mode is stored in the file, so it would change another program's database.
    runOperation(connection, schemaVersion(file));
    if (statement('PRAGMA journal_mode = WAL').value() !== 'wal') {
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
  return connection;
}

/** Runs an operation on a connection synchronously. Throws SQLite's own errors, and those of the operation. */
export function runOperation<T>(connection: SqliteConnection, operation: SqlOperation<T>): T {
  let step = operation.next();
  while (!step.done) step = nextStatement(connection, operation, step.value);
  return step.value;
}

// How long a yielding operation blocks the event loop.
const TURN_MS = 5;

/**
 * Runs an operation on a connection, and yields to the event loop about every TURN_MS. Calls `requireOpen` after each yield and
 * rejects with its error. Also rejects with the errors that runOperation throws.
 */
export async function runYielding<T>(
  connection: SqliteConnection,
  operation: SqlOperation<T>,
  requireOpen: () => void,
): Promise<T> {
  let step = operation.next();
  let startedAt = performance.now();
  while (!step.done) {
    step = nextStatement(connection, operation, step.value);
    if (performance.now() - startedAt < TURN_MS) continue;
    await yieldTurn();
    requireOpen();
    startedAt = performance.now();
  }
  return step.value;
}

function nextStatement<T>(
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
  if (!statement.isReader) return { rows: [], changes: statement.run(...values) };
  return { rows: statement.rows(values, isRaw === true), changes: 0 };
}

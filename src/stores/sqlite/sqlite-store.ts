import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Checkpoint } from '../../redemption/ports/clock.js';
import { LedgerKeyError, LedgerKeyFile } from '../ledger-key.js';
import type { SqlDatabase } from '../sql/sql-database.js';
import { translateFailure } from '../sql/store-failure.js';
import { StoreOpenError, StoreSchemaError } from '../store-open-error.js';
import { prepareDatabaseFile } from './database-file.js';
import { checkSchema, migrateSchema, SCHEMA_VERSION } from './migrations.js';
import { startSession } from './session.js';
import { openSqliteConnection, runOperation, type SqliteConnection } from './sqlite-connection.js';
import { sqliteDatabase } from './sqlite-database.js';
import { failureOf } from './sqlite-failure.js';

/** Path of the store, and how it is opened. */
export interface SqliteStoreOptions {
  /** Path of the database; its directory must exist. */
  readonly file: string;
  readonly migrate: boolean;
  /** File with the key of the ledger, created with the tables; `ledger.key` beside the database if absent. */
  readonly ledgerKeyFile?: string;
  /** Whether a database without a ledger is accepted on a host that has the key of one. */
  readonly acceptsEmpty?: boolean;
  /** Called synchronously with `before-commit` and `after-commit`; if it throws, the outcome of the commit counts as unknown. */
  readonly checkpoint?: Checkpoint;
  /** How long a locked database is retried, in milliseconds; 8,000 if absent. */
  readonly deadlineMs?: number;
}

/**
 * Opens the SQLite database of the store (created with mode 0600). Several processes may share one file.
 * Rejects with StoreSchemaError when the tables are of another version, StoreOpenError when the file or its
 * directory cannot be used, LedgerKeyError when the key of an existing ledger is missing and `migrate`
 * is set (without it, the first operation that needs the key rejects), and RedemptionError
 * `store_unavailable` when it cannot be read now.
 */
export async function openSqliteDatabase(options: SqliteStoreOptions): Promise<SqlDatabase> {
  const { file, migrate, checkpoint, deadlineMs = 8_000 } = options;
  const ledgerKey = new LedgerKeyFile(options.ledgerKeyFile ?? join(dirname(file), 'ledger.key'));
  if (!prepareDatabaseFile(file, migrate)) {
    const hint =
      'run the command as the user of the service and with its --data-dir, or start `linkgrant serve` once';
    throw new StoreSchemaError(file, { found: 0, wanted: SCHEMA_VERSION }, hint);
  }
  const openChecked = (prepare: (connection: SqliteConnection) => void): SqliteConnection => {
    const connection = openSqliteConnection(file, ledgerKey);
    try {
      prepare(connection);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  };
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      const first = openChecked((connection) => {
        if (migrate) migrateAndBegin(connection, options, ledgerKey);
        else runOperation(connection, checkSchema(file));
      });
      // A newer release may migrate the file while this process runs.
      const session = startSession(first, () =>
        openChecked((connection) => runOperation(connection, checkSchema(file, true))),
      );
      return sqliteDatabase(session, ledgerKey.marks, { checkpoint, deadlineMs });
    } catch (error) {
      if (error instanceof StoreOpenError || error instanceof LedgerKeyError) throw error;
      if (failureOf(error) !== 'busy' || performance.now() >= deadline)
        throw translateFailure(error, failureOf);
      await sleep(1 + Math.random() * 9);
    }
  }
}

/**
 * Creates or migrates the tables and begins the ledger if there is none, in one transaction. Throws `SQLITE_BUSY` while
 * another connection writes.
 */
function migrateAndBegin(
  connection: SqliteConnection,
  { file, acceptsEmpty }: SqliteStoreOptions,
  ledgerKey: LedgerKeyFile,
): void {
  const { ledger } = connection;
  connection.statement('BEGIN IMMEDIATE').run();
  try {
    runOperation(connection, migrateSchema(file));
    runOperation(connection, ledger.begin(acceptsEmpty));
    connection.statement('COMMIT').run();
  } catch (error) {
    if (connection.inTransaction()) connection.statement('ROLLBACK').run();
    throw error;
  }
  ledgerKey.confirm();
}

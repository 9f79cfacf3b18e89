import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LedgerKeyFile } from '../../src/stores/ledger-key.js';
import { prepareDatabaseFile } from '../../src/stores/sqlite/database-file.js';
import { migrateSchema } from '../../src/stores/sqlite/migrations.js';
import { openSqliteConnection, runOperation } from '../../src/stores/sqlite/sqlite-connection.js';

/** The paths of an SQLite store in a directory of its own. */
interface StoreFiles {
  readonly database: string;
  readonly ledgerKey: string;
  /** Removes the directory. */
  remove(): void;
}

function newDirectory(): StoreFiles {
  const path = mkdtempSync(join(tmpdir(), 'linkgrant-simulation-'));
  return {
    database: join(path, 'linkgrant.db'),
    ledgerKey: join(path, 'ledger.key'),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** An empty store and the key of its ledger. Created before time is simulated, because it uses random numbers. */
const EMPTY = createEmptyStore();

function createEmptyStore(): { readonly database: Uint8Array; readonly ledgerKey: Uint8Array } {
  const files = newDirectory();
  try {
    const key = new LedgerKeyFile(files.ledgerKey);
    prepareDatabaseFile(files.database, true);
    const connection = openSqliteConnection(files.database, key);
    connection.statement('BEGIN IMMEDIATE').run();
    runOperation(connection, migrateSchema(files.database));
    runOperation(connection, connection.ledger.begin());
    connection.statement('COMMIT').run();
    key.confirm();
    connection.close();
    return { database: readFileSync(files.database), ledgerKey: readFileSync(files.ledgerKey) };
  } finally {
    files.remove();
  }
}

/** Creates an empty store: a copy of one that was prepared once. */
export function createStoreFiles(): StoreFiles {
  const files = newDirectory();
  writeFileSync(files.database, EMPTY.database, { mode: 0o600 });
  writeFileSync(files.ledgerKey, EMPTY.ledgerKey, { mode: 0o600 });
  return files;
}

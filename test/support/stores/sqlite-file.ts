import { loadSqlite, SQLITE_DRIVERS } from '../../../src/files/load-sqlite.js';
import type { SqliteDriver, SqliteDriverName, SqliteFile } from '../../../src/files/sqlite-file.js';

async function loaded(name?: SqliteDriverName): Promise<SqliteDriver | undefined> {
  const driver = await loadSqlite(name);
  return 'missing' in driver ? undefined : driver;
}

const preferred = await loaded();
const drivers = (await Promise.all(SQLITE_DRIVERS.map(loaded))).filter((driver) => driver !== undefined);

/** The drivers that this Node has: `node:sqlite` from Node 24.15 on, and `better-sqlite3`. */
export const DRIVERS: readonly SqliteDriverName[] = drivers.map(({ name }) => name);

/**
 * Opens an SQLite file with the driver that the stores of this process use by default, or with the driver `name`. Another
 * driver in the same process would release the locks of the stores.
 */
export function openSqliteFile(file: string, name = preferred?.name): SqliteFile {
  const driver = drivers.find((one) => one.name === name);
  if (!driver) throw new Error(`this Node has no driver ${name}`);
  const opened = driver.open(file);
  opened.exec('PRAGMA busy_timeout = 10000');
  return opened;
}

/** Opens an SQLite file as {@link openSqliteFile} does, calls `use`, and closes the file. Returns the result of `use`. */
export function withSqliteFile<T>(
  file: string,
  use: (database: SqliteFile) => T,
  name?: SqliteDriverName,
): T {
  const database = openSqliteFile(file, name);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

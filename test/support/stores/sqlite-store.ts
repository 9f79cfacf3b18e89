import { join } from 'node:path';
import type { Clock } from '../../../src/redemption/ports/clock.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { sqlGrantStore } from '../../../src/stores/sql/sql-grant-store.js';
import { openSqliteDatabase, type SqliteStoreOptions } from '../../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../release.js';

/** Opens the grant store in an SQLite file. */
export async function openSqliteStore(
  options: SqliteStoreOptions & { readonly clock: Clock },
): Promise<DatabaseStore> {
  return sqlGrantStore(await openSqliteDatabase(options), options.clock);
}

/** Opens an empty SQLite store in `directory`, by default a new temporary one, and closes it after the current test. */
export async function sqliteStoreForTest(
  clock: () => number,
  directory = directoryForTest(),
): Promise<DatabaseStore> {
  return releaseAfterTest(
    await openSqliteStore({ file: join(directory, 'linkgrant.db'), migrate: true, clock }),
  );
}

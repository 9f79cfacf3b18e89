import { join } from 'node:path';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { openSqliteStore } from '../../../src/stores/sqlite/sqlite-store.js';
import { directoryForTest, releaseAfterTest } from '../release.js';

/** Opens an empty SQLite store in `directory`, by default a new temporary one, and closes it after the current test. */
export async function sqliteStoreForTest(
  clock: () => number,
  directory = directoryForTest(),
): Promise<DatabaseStore> {
  return releaseAfterTest(
    await openSqliteStore({ file: join(directory, 'linkgrant.db'), migrate: true, clock }),
  );
}

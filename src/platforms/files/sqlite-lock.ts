import { existsSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { createPrivateFile, makePrivateDirectory } from '../../files/private-file.js';

/** A lock that is held until `release` has resolved, or the process has ended. */
export interface HeldLock {
  release(): Promise<void>;
}

// One for each file, by its inode; none is given up, since an object of the driver's must not be collected (see
// stores/sqlite/connection.ts).
const databases = new Map<string, BetterSqlite3.Database>();

/** Makes the empty file of a lock (0600) in its directory (0700), unless it is there. */
export function prepareLockFile(file: string): void {
  makePrivateDirectory(dirname(file));
  if (!existsSync(file)) createPrivateFile(file, '');
}

/** SQLite's lock on an empty file, or undefined while another connection, of this process or not, has it. */
export function trySqliteLock(Database: typeof BetterSqlite3, file: string): HeldLock | undefined {
  prepareLockFile(file);
  // Nothing is ever written into it, so nobody can hold a lock on what is no database.
  if (statSync(file).size > 0) truncateSync(file);
  const { dev, ino } = statSync(file);
  const key = `${dev}:${ino}`;
  const database = databases.get(key) ?? new Database(file, { timeout: 0 });
  databases.set(key, database);
  if (database.inTransaction) return undefined;
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    if (String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: async () => void database.exec('ROLLBACK') };
}

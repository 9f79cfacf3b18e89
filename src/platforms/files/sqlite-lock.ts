import { existsSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { createPrivateFile, makePrivateDirectory } from '../../files/private-file.js';

/** A lock that is held until `release` resolves or the process ends. */
export interface HeldLock {
  release(): Promise<void>;
}

// One for each file, by device and inode. Entries are never deleted, because a database object of the driver must not be
// garbage-collected (see stores/sqlite/connection.ts).
const databases = new Map<string, BetterSqlite3.Database>();

/** Creates the empty file of a lock (0600) in its directory (0700) unless it exists. */
export function prepareLockFile(file: string): void {
  makePrivateDirectory(dirname(file));
  if (!existsSync(file)) createPrivateFile(file, '');
}

/** Acquires SQLite's lock on an empty file; undefined while another connection of any process holds it. */
export function trySqliteLock(Database: typeof BetterSqlite3, file: string): HeldLock | undefined {
  prepareLockFile(file);
  // The lock needs an empty file: SQLite cannot lock a file whose content is not a database.
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

import { closeSync, ftruncateSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnreadableFileError } from '../../files/file-error.js';
import { createPrivateFile, makePrivateDirectory, openOwnFile } from '../../files/private-file.js';
import { primaryCode, type SqliteDriver, type SqliteFile } from '../../files/sqlite-driver.js';

/** A lock that is held until `release` resolves or the process ends. */
export interface HeldLock {
  release(): Promise<void>;
}

// One database for each lock file, by device and inode. Entries are never deleted, because the memory of a closed file of
// better-sqlite3 is never freed (see files/better-sqlite3.ts).
const databases = new Map<string, SqliteFile>();

/** Creates the empty file of a lock (0600) in its directory (0700) unless it exists. Throws if it is not a regular file. */
export function prepareLockFile(file: string): void {
  makePrivateDirectory(dirname(file));
  // Never follow a symbolic link: the user of the directory may have created it, so that root changes another file.
  if (!lstatSync(file, { throwIfNoEntry: false })) createPrivateFile(file, '');
  if (!lstatSync(file).isFile()) throw new UnreadableFileError(file, new Error('it is not a regular file'));
}

/** Acquires SQLite's lock on an empty file; undefined while this or another process holds it. */
export function trySqliteLock(driver: SqliteDriver, file: string): HeldLock | undefined {
  prepareLockFile(file);
  // The lock needs an empty file: SQLite cannot lock a file whose content is not a database.
  const { dev, ino, size } = lstatSync(file);
  if (size > 0) truncate(file);
  const key = `${dev}:${ino}`;
  const database = databases.get(key) ?? driver.open(file);
  databases.set(key, database);
  if (database.inTransaction()) return undefined;
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    if (primaryCode(error) === 'SQLITE_BUSY') return undefined;
    throw error;
  }
  return { release: async () => database.exec('ROLLBACK') };
}

function truncate(file: string): void {
  const handle = openOwnFile(file);
  try {
    ftruncateSync(handle);
  } finally {
    closeSync(handle);
  }
}

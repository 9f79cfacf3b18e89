import { lstatSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnreadableFileError } from '../../files/file-error.js';
import { createPrivateFile, makePrivateDirectory } from '../../files/private-file.js';
import { openSqliteFile, primaryCode } from '../../files/sqlite-file.js';

/** A lock that is held until it is released or the process ends. */
export interface HeldLock {
  release(): void;
}

/** Creates the empty file of a lock (0600) in its directory (0700) unless it exists. Throws if it is not a regular file. */
function prepareLockFile(file: string): void {
  makePrivateDirectory(dirname(file));
  if (!lstatSync(file, { throwIfNoEntry: false })) createPrivateFile(file, '');
  if (!lstatSync(file).isFile()) throw new UnreadableFileError(file, new Error('it is not a regular file'));
}

/** Acquires SQLite's lock on an empty file; undefined while this or another process holds it. */
export function trySqliteLock(file: string): HeldLock | undefined {
  prepareLockFile(file);
  // The lock needs an empty file: SQLite cannot lock a file whose content is not a database.
  if (lstatSync(file).size > 0) truncateSync(file);
  const database = openSqliteFile(file);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (primaryCode(error) === 'SQLITE_BUSY') return undefined;
    throw error;
  }
  return { release: database.close };
}

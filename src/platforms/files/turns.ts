import { existsSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { RedemptionError } from '../../domain/redemption-error.js';
import { createPrivateFile, makePrivateDirectory } from '../../files/private-file.js';
import { writing } from './not-writable.js';

const POLL_MS = 50;

/** Runs an act while no other process, and no other act of this one, runs one in the same directory. */
export type TakeTurn = <T>(act: () => Promise<T>) => Promise<T>;

/**
 * Turns in a directory (0700), by a lock of the kernel on the empty file `turn`: SQLite's, which is one between containers
 * that share the directory too, and is over when its process is. Rejects with RedemptionError `busy` when the turn has not
 * come within `patienceMs()`, and `not_writable` when no lock can be had there.
 */
export function takingTurns(
  directory: string,
  wait: (milliseconds: number) => Promise<void>,
  patienceMs: () => number = () => Number.POSITIVE_INFINITY,
): TakeTurn {
  return async (act) => {
    const end = performance.now() + patienceMs();
    const { default: Database } = await import('better-sqlite3');
    let lock = writing(directory, () => tryLock(directory, Database));
    while (!lock) {
      if (performance.now() >= end) {
        throw new RedemptionError('busy', 'Another run of linkgrant is at work on the links of that place.');
      }
      await wait(POLL_MS);
      lock = writing(directory, () => tryLock(directory, Database));
    }
    try {
      return await act();
    } finally {
      lock.close();
    }
  };
}

function tryLock(
  directory: string,
  Database: typeof import('better-sqlite3'),
): { close(): void } | undefined {
  makePrivateDirectory(directory);
  const file = join(directory, 'turn');
  if (!existsSync(file)) createPrivateFile(file, '');
  // Nothing is ever written into it, so nobody can hold a lock on what is no database.
  if (statSync(file).size > 0) truncateSync(file);
  const lock = new Database(file, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
}

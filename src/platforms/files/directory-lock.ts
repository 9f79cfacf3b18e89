import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedemptionError } from '../../domain/redemption-error.js';
import { withWriteErrors } from './not-writable.js';
import { trySqliteLock } from './sqlite-lock.js';

const POLL_MS = 50;

/** Runs an operation while it holds the lock of a directory; operations of this process exclude each other too. */
export type WithDirectoryLock = <T>(operation: () => Promise<T>) => Promise<T>;

/**
 * Returns a function that runs operations under the lock of a directory (0700): SQLite's lock on the empty file `turn`. The lock
 * also excludes containers that share the directory, and is released when its process ends. Rejects with RedemptionError `busy`
 * after `patienceMs()` (default: never), and `not_writable` if the file cannot be locked.
 */
export function directoryLock(
  directory: string,
  patienceMs: () => number = () => Number.POSITIVE_INFINITY,
): WithDirectoryLock {
  const file = join(directory, 'turn');
  const tryLock = () => withWriteErrors(directory, () => trySqliteLock(file));
  return async (operation) => {
    const end = performance.now() + patienceMs();
    let lock = tryLock();
    while (!lock) {
      if (performance.now() >= end) {
        throw new RedemptionError('busy', `Another linkgrant process has locked ${directory}.`);
      }
      await sleep(POLL_MS);
      lock = tryLock();
    }
    try {
      return await operation();
    } finally {
      lock.release();
    }
  };
}

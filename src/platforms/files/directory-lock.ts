import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedemptionError } from '../../domain/redemption-error.js';
import { explainMissing, loadSqlite } from '../../files/load-sqlite.js';
import { withWriteErrors } from './not-writable.js';
import { tryProgramLock } from './program-lock.js';
import { type HeldLock, trySqliteLock } from './sqlite-lock.js';

const POLL_MS = 50;
// Each attempt starts a process.
const PROGRAM_POLL_MS = 250;

/** Runs an operation while it holds the lock of a directory; operations of this process exclude each other too. */
export type WithDirectoryLock = <T>(operation: () => Promise<T>) => Promise<T>;

/**
 * Returns a function that runs operations under the lock of a directory (0700): a kernel lock on the empty file `turn`. The
 * lock also excludes containers that share the directory, and is released when its process ends. SQLite locks the file; without
 * a usable SQLite driver, the program `flock` does. Rejects with RedemptionError `busy` after `patienceMs()` (default: never),
 * `not_writable` if the file cannot be locked, and with ConfigurationError if this machine has neither SQLite nor `flock`.
 */
export function directoryLock(
  directory: string,
  patienceMs: () => number = () => Number.POSITIVE_INFINITY,
): WithDirectoryLock {
  return async (operation) => {
    const end = performance.now() + patienceMs();
    const { tryLock, pollMs } = await lockOf(directory);
    let lock = await tryLock();
    while (!lock) {
      if (performance.now() >= end) {
        throw new RedemptionError('busy', `Another linkgrant process has locked ${directory}.`);
      }
      await sleep(pollMs);
      lock = await tryLock();
    }
    try {
      return await operation();
    } finally {
      await lock.release();
    }
  };
}

interface Lock {
  tryLock(): Promise<HeldLock | undefined>;
  readonly pollMs: number;
}

async function lockOf(directory: string): Promise<Lock> {
  const file = join(directory, 'turn');
  const driver = await loadSqlite();
  if ('missing' in driver) {
    const reason = explainMissing(driver);
    return { tryLock: () => tryProgramLock(file, reason), pollMs: PROGRAM_POLL_MS };
  }
  const tryLock = async () => withWriteErrors(directory, () => trySqliteLock(driver, file));
  return { tryLock, pollMs: POLL_MS };
}

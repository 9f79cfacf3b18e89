import { join } from 'node:path';
import { RedemptionError } from '../../domain/redemption-error.js';
import { explainMissing, loadSqlite } from '../../files/sqlite-module.js';
import { writing } from './not-writable.js';
import { tryProgramLock } from './program-lock.js';
import { type HeldLock, trySqliteLock } from './sqlite-lock.js';

const POLL_MS = 50;
// Each look is a process.
const PROGRAM_POLL_MS = 250;

/** Runs an act while no other process, and no other act of this one, runs one in the same directory. */
export type TakeTurn = <T>(act: () => Promise<T>) => Promise<T>;

/**
 * Turns in a directory (0700), by a lock of the kernel on the empty file `turn`, which is one between containers that share
 * the directory too, and is over when its process is: SQLite's, or where its driver is missing the program flock's. Rejects
 * with RedemptionError `busy` when the turn has not come within `patienceMs()`, and `not_writable` when no lock can be had
 * there.
 */
export function takingTurns(
  directory: string,
  wait: (milliseconds: number) => Promise<void>,
  patienceMs: () => number = () => Number.POSITIVE_INFINITY,
): TakeTurn {
  return async (act) => {
    const end = performance.now() + patienceMs();
    const { tryLock, pollMs } = await lockOf(directory);
    let lock = await tryLock();
    while (!lock) {
      if (performance.now() >= end) {
        throw new RedemptionError('busy', 'Another run of linkgrant is at work on the links of that place.');
      }
      await wait(pollMs);
      lock = await tryLock();
    }
    try {
      return await act();
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
  const sqlite = await loadSqlite();
  if ('Database' in sqlite) {
    const tryLock = async () => writing(directory, () => trySqliteLock(sqlite.Database, file));
    return { tryLock, pollMs: POLL_MS };
  }
  const reason = explainMissing(sqlite.missing);
  return { tryLock: () => tryProgramLock(file, reason), pollMs: PROGRAM_POLL_MS };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { ConfigurationError } from '../../domain/configuration-error.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { withWriteErrors } from './not-writable.js';
import { type HeldLock, prepareLockFile } from './sqlite-lock.js';

// The script prints a line when it has the lock and holds it until its input ends: on release, or when this process ends. It
// and flock ignore signals to the process group or unit, which would release the lock too early.
const HOLD = `trap "" HUP INT TERM; exec flock -n "$0" sh -c 'echo; read -r _'`;
// Exit status of a shell if the program is not found.
const NOT_FOUND = 127;
// Exit status of `flock -n` if another process holds the lock.
const HELD = 1;

/** The error if neither the SQLite driver nor the program flock is available for a lock. */
function noLockError(reason: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(
    `no lock against concurrent runs is available: it needs the program flock, or ${reason}`,
    'install util-linux, or run linkgrant on Node 24.15 or newer',
    { cause },
  );
}

/**
 * Acquires the kernel's lock on a file with the program flock; undefined while another process holds it. Used if Node.js has no
 * SQLite driver; `reason` says which driver is missing and why. The two kinds of lock do not exclude each other. Rejects with
 * ConfigurationError if the program is missing, and with RedemptionError `not_writable` if the file cannot be locked.
 */
export async function tryProgramLock(file: string, reason: string): Promise<HeldLock | undefined> {
  withWriteErrors(dirname(file), () => prepareLockFile(file));
  const child = spawn('sh', ['-c', HOLD, file], { stdio: ['pipe', 'pipe', 'ignore'] });
  // Ignore EPIPE: the program may have ended already.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(
    ([status]: (number | null)[]) => ({ status }),
    (error: unknown) => {
      throw noLockError(reason, error);
    },
  );
  const failed = await Promise.race([once(child.stdout, 'data').then(() => undefined), ended]);
  if (failed?.status === NOT_FOUND) throw noLockError(reason);
  // The status is null if a signal ended the shell before its trap was set.
  if (failed?.status === HELD || failed?.status === null) return undefined;
  if (failed) {
    const message = `${file} cannot be locked (exit status ${failed.status} of flock).`;
    throw new RedemptionError('not_writable', message);
  }
  return {
    async release() {
      child.stdin.end();
      await ended;
    },
  };
}

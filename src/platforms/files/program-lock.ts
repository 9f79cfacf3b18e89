import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { writing } from './not-writable.js';
import { type HeldLock, prepareLockFile } from './sqlite-lock.js';

// It tells that it has the lock, and keeps it until its input ends: when it is let go, or this process has died. A signal
// to the whole group or unit must not take it away before, also not from flock: with that gone its input would end.
const HOLD = `trap "" HUP INT TERM; exec flock -n "$0" sh -c 'echo; read -r _'`;
// What a shell ends with when there is no such program.
const NOT_FOUND = 127;

/** A lock needs either SQLite's driver or a program, and neither is there. */
class NoLockError extends Error {
  override readonly name = 'NoLockError';
  readonly hint = 'install util-linux, or linkgrant with its optional package better-sqlite3';

  constructor(reason: string, cause: unknown) {
    super(
      `other runs of linkgrant cannot be locked out: better-sqlite3 ${reason}, and there is no program flock`,
      { cause },
    );
  }
}

/**
 * The kernel's lock on a file, held by the program flock, or undefined while another process has it; for where SQLite's
 * driver is missing because of `reason`. The two kinds of lock do not know each other. Rejects with NoLockError where
 * there is no such program.
 */
export async function tryProgramLock(file: string, reason: string): Promise<HeldLock | undefined> {
  writing(dirname(file), () => prepareLockFile(file));
  const child = spawn('sh', ['-c', HOLD, file], { stdio: ['pipe', 'pipe', 'ignore'] });
  // A program that is gone does not read.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(
    ([code]) => {
      if (code === NOT_FOUND) throw new NoLockError(reason, undefined);
    },
    (error: unknown) => {
      throw new NoLockError(reason, error);
    },
  );
  const isHeld = await Promise.race([once(child.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!isHeld) return undefined;
  return {
    async release() {
      child.stdin.end();
      await ended;
    },
  };
}

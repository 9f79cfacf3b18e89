import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Acquires the lock if no process has it. The lock file contains the process id from the start: it is never empty. */
function acquire(file) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

const ownerOf = (file) => Number(readFileSync(file, 'utf8'));

/** Removes the lock of a process that ended without releasing it. */
function clearAbandoned(file) {
  const aside = `${file}.abandoned-${process.pid}`;
  try {
    if (isAlive(ownerOf(file))) return;
    renameSync(file, aside);
    // Between the check and the rename another process may have acquired the lock. Then restore its lock file.
    if (isAlive(ownerOf(aside))) linkSync(aside, file);
  } catch (error) {
    // Meanwhile the lock was released, or another process has acquired the free name.
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Runs `work` with an exclusive lock. Waits as long as the process that holds the lock runs. */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  while (!acquire(file)) {
    clearAbandoned(file);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

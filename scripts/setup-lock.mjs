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

/** Takes the lock file if it is free; the file appears with its owner's id in it, never empty. */
function take(file) {
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

/** Removes the lock of a process that ended without giving it back. */
function clearAbandoned(file) {
  const aside = `${file}.abandoned-${process.pid}`;
  try {
    if (isAlive(ownerOf(file))) return;
    renameSync(file, aside);
    // Between the look and the move another waiter may have cleared it and taken the lock: then it gets it back.
    if (isAlive(ownerOf(aside))) linkSync(aside, file);
    rmSync(aside);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error; // given back this moment
  }
}

/** Runs `work` while no other process that asks for the same lock file does. Waits as long as its holder lives. */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  while (!take(file)) {
    clearAbandoned(file);
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

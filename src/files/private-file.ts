import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// Nothing takes this long between being made and being put in place.
const STALE_MS = 10 * 60_000;

/** Makes a directory that only its owner may enter (0700), with its parents; an existing one is left as it is. */
export function makePrivateDirectory(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    // Node's own `recursive` never returns where a file system makes no directories, such as /proc.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(directory) === directory) throw error;
    makePrivateDirectory(dirname(directory));
    makeDirectory(directory);
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Makes a rename or a link in `directory` durable. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Writes and syncs a new file (0600) beside `file` and gives its path; the caller puts it in place. */
export function writeBeside(file: string, content: string): string {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/**
 * Removes from `directory` what processes that died have left behind while they put something in place there: files and
 * directories called `.<name>.<UUID>` (see {@link writeBeside}) that are ten minutes old at `now`, and that `isOurs` takes
 * by that name. They may hold keys.
 */
export function sweepBeside(directory: string, now: number, isOurs: (name: string) => boolean): void {
  for (const entry of readdirSync(directory)) {
    const end = entry.lastIndexOf('.');
    if (!entry.startsWith('.') || !UUID.test(entry.slice(end + 1)) || !isOurs(entry.slice(1, end))) continue;
    const path = join(directory, entry);
    const { mtimeMs = now } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (now - mtimeMs > STALE_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Puts `content` into `file` (0600) at once and durably: readers see the old content or the new, never a part. */
export function writePrivateFile(file: string, content: string): void {
  const temporary = writeBeside(file, content);
  try {
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(file));
}

/** Makes `file` (0600), whole and durable from its first moment on; false, and nothing changed, if it is there already. */
export function createPrivateFile(file: string, content: string): boolean {
  const temporary = writeBeside(file, content);
  let made = true;
  try {
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    made = false;
  } finally {
    unlinkSync(temporary);
  }
  // Also when another run made it: that one may not have come so far yet.
  syncDirectory(dirname(file));
  return made;
}

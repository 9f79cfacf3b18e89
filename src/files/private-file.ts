import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  lstatSync,
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
import { isUuid } from '../domain/names.js';
import { withFileErrors } from './file-error.js';

// No write takes this long between creation and rename.
const STALE_MS = 10 * 60_000;

/** Creates a directory (0700) with its parents. Does not change an existing one. */
export function makePrivateDirectory(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    // Node's `recursive` option never returns on a file system without mkdir, such as /proc.
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

/** Syncs `directory`, so that a rename or link in it is durable. */
export function syncDirectory(directory: string): void {
  syncFile(directory);
}

/** Syncs the content of `file`. */
export function syncFile(file: string): void {
  const handle = openSync(file, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Writes and syncs a new file with `mode` beside `file` and returns its path; the caller renames it. */
export function writeBeside(file: string, content: string, mode = 0o600): string {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    const handle = openSync(temporary, 'wx', 0o600);
    try {
      // After creation, because the umask may restrict the mode of `open`.
      fchmodSync(handle, mode);
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
 * Deletes temporary files of dead processes from `directory`, because they may contain keys: files called `.<name>.<UUID>` (see
 * {@link writeBeside}) that are ten minutes old at `now`, belong to this user, and whose name `isOurs` accepts. Deletes such
 * directories too with `includesDirectories`, which is safe only where no other user can exchange a directory meanwhile.
 */
export function sweepStaleFiles(
  directory: string,
  now: number,
  isOurs: (name: string) => boolean,
  includesDirectories = false,
): void {
  for (const entry of readdirSync(directory)) {
    const end = entry.lastIndexOf('.');
    if (!entry.startsWith('.') || !isUuid(entry.slice(end + 1)) || !isOurs(entry.slice(1, end))) continue;
    const path = join(directory, entry);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    const isOfUser = stats?.uid === (process.getuid?.() ?? stats?.uid);
    if (!stats || !isOfUser || (stats.isDirectory() && !includesDirectories)) continue;
    if (now - stats.mtimeMs > STALE_MS) rmSync(path, { recursive: includesDirectories, force: true });
  }
}

/** Writes `content` to `file` (0600) atomically and durably: readers see the old or the new content. */
export function writePrivateFile(file: string, content: string): void {
  replaceFile(file, content);
}

/** Writes `content` to `file` as {@link writePrivateFile} does, with `mode` if it is passed. */
export function replaceFile(file: string, content: string, mode?: number): void {
  const temporary = writeBeside(file, content, mode);
  try {
    sweepBeside(file, temporary);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(file));
}

/**
 * Deletes temporary files of the same file whose processes were killed before the rename. Leaves them in a directory that this
 * user may write but not list.
 */
export function sweepBeside(file: string, temporary: string, includesDirectories = false): void {
  try {
    // The clock of the file system, which sets the times of all these files.
    const { mtimeMs } = statSync(temporary);
    sweepStaleFiles(dirname(file), mtimeMs, (name) => name === basename(file), includesDirectories);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
}

/** Creates `file` (0600) atomically and durably; returns false and changes nothing if it exists. */
export function createPrivateFile(file: string, content: string): boolean {
  const temporary = writeBeside(file, content);
  let isCreated = true;
  try {
    sweepBeside(file, temporary);
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    isCreated = false;
  } finally {
    unlinkSync(temporary);
  }
  // Also if another process has created the file, because it may not have synced the directory yet.
  syncDirectory(dirname(file));
  return isCreated;
}

/**
 * Returns the mode of a file that other users can access (`0644`); undefined for any other file and for a directory. Throws
 * UnreadableFileError.
 */
export function sharedMode(file: string): string | undefined {
  const stats = withFileErrors(file, () => statSync(file));
  const mode = stats.mode & 0o777;
  return stats.isDirectory() || (mode & 0o077) === 0 ? undefined : mode.toString(8).padStart(4, '0');
}

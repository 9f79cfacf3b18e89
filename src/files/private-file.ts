import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

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

import { chmodSync, closeSync, lstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { requireReplaceable } from './named-output.js';
import { syncDirectory, writeBeside } from './private-file.js';

/**
 * Writes a world-readable file (0644) that the user named, atomically and durably. Replaces only an empty file or one that
 * begins with `beginning`. Throws an Error whose message ends a sentence, and errors of the file system.
 */
export function writePublicFile(file: string, content: string, beginning: string): void {
  const path = resolve(file);
  if (!beginsWith(path, beginning)) requireReplaceable(path, () => false);
  const temporary = writeBeside(path, content);
  try {
    chmodSync(temporary, 0o644);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Whether a regular file of any length begins with this text. */
function beginsWith(path: string, beginning: string): boolean {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const found = Buffer.alloc(Buffer.byteLength(beginning));
  const handle = openSync(path, 'r');
  try {
    readSync(handle, found, 0, found.length, 0);
  } finally {
    closeSync(handle);
  }
  return found.toString() === beginning;
}

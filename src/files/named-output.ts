import { accessSync, closeSync, constants, lstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readBoundedText } from './bounded-text.js';
import { createPrivateFile, makePrivateDirectory, replaceFile, writePrivateFile } from './private-file.js';

/** Whether a file with this text may be replaced, because linkgrant wrote it before. */
export type IsOwn = (text: string) => boolean;

const OCCUPIED = 'it exists and was not written by linkgrant';

/**
 * Writes a file (0600) that the user named, atomically and durably. Its directory must exist. Replaces only an empty regular
 * file or one that `isOwn` accepts, never a device, a pipe or a symbolic link. Throws an Error whose message ends a
 * sentence, and errors of the file system.
 */
export function writeNamedFile(file: string, content: string, isOwn: IsOwn): void {
  requireReplaceable(file, isOwn);
  if (lstatSync(file, { throwIfNoEntry: false })) writePrivateFile(file, content);
  else if (!createPrivateFile(file, content)) throw new Error(OCCUPIED);
}

/** Throws the errors of {@link writeNamedFile} without writing. */
export function requireReplaceable(file: string, isOwn: IsOwn): void {
  requireWritableDirectory(dirname(resolve(file)));
  const existing = lstatSync(file, { throwIfNoEntry: false });
  if (!existing) return;
  if (existing.isSymbolicLink()) throw new Error('it is a symbolic link');
  if (existing.isDirectory()) throw new Error('it is a directory');
  if (!existing.isFile()) throw new Error('it is not a regular file');
  if (existing.size > 0 && !isOwn(readBoundedText(file))) throw new Error(OCCUPIED);
}

/** Creates a directory (0700) that the user named; its parent must exist. Does not change an existing one. */
export function makeNamedDirectory(directory: string): void {
  requireCreatable(directory);
  makePrivateDirectory(resolve(directory));
}

/** Throws the errors of {@link makeNamedDirectory} without creating the directory. */
export function requireCreatable(directory: string): void {
  const path = resolve(directory);
  const existing = statSync(path, { throwIfNoEntry: false });
  if (!existing) requireWritableDirectory(dirname(path));
  else if (!existing.isDirectory()) throw new Error('a file of this name exists');
}

function requireWritableDirectory(directory: string): void {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`there is no directory ${directory}`);
  }
  accessSync(directory, constants.W_OK | constants.X_OK);
}

/**
 * Writes a world-readable file (0644) that the user named, atomically and durably. Replaces only an empty file or one that
 * begins with `beginning`. Throws an Error whose message ends a sentence, and errors of the file system.
 */
export function writePublicFile(file: string, content: string, beginning: string): void {
  const path = resolve(file);
  if (!beginsWith(path, beginning)) requireReplaceable(path, () => false);
  replaceFile(path, content, 0o644);
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

import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readBoundedText } from './bounded-text.js';
import { createPrivateFile, writePrivateFile } from './private-file.js';

/** Tells by its text whether a file may be replaced, because it is one that was written before. */
export type IsOwn = (text: string) => boolean;

const OCCUPIED = 'something else is there already';

/**
 * Writes a file (0600) that a person named, at once and durably. Its directory has to be there, and in its place nothing,
 * an empty regular file, or a regular one that is `isOwn`; never a device, a pipe or a symbolic link. Throws an Error whose
 * message ends a sentence, and what the file system threw.
 */
export function writeNamedFile(file: string, content: string, isOwn: IsOwn): void {
  requireReplaceable(file, isOwn);
  if (lstatSync(file, { throwIfNoEntry: false })) writePrivateFile(file, content);
  else if (!createPrivateFile(file, content)) throw new Error(OCCUPIED);
}

/** Throws as {@link writeNamedFile} does, and writes nothing. */
export function requireReplaceable(file: string, isOwn: IsOwn): void {
  requireDirectory(dirname(resolve(file)));
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (!there) return;
  if (there.isSymbolicLink()) throw new Error('it is a symbolic link');
  if (there.isDirectory()) throw new Error('it is a directory');
  if (!there.isFile()) throw new Error('it is no regular file');
  if (there.size > 0 && !isOwn(readBoundedText(file))) throw new Error(OCCUPIED);
}

/** Makes a directory (0700) that a person named, in one that is there; an existing one is left as it is. */
export function makeNamedDirectory(directory: string): void {
  const path = resolve(directory);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  requireDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function requireDirectory(directory: string): void {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`there is no directory ${directory}`);
  }
}

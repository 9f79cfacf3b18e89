import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { withFileErrors } from './file-error.js';

/** Maximum length of a text in bytes: no input of linkgrant is longer, and a device or a pipe may be endless. */
export const MAX_FILE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** The reason for refusing a text that is too long, as the end of a sentence. */
export const TOO_LONG = 'it is longer than 1 MiB';

/**
 * Reads the UTF-8 text of a regular file of at most 1 MiB. Never blocks: refuses a pipe, a device or a socket. Throws
 * UnreadableFileError.
 */
export function readBoundedText(file: string): string {
  return withFileErrors(file, () => readAndClose(openNonBlocking(file)));
}

function readAndClose(handle: number): string {
  try {
    return readRegularFile(handle);
  } finally {
    closeSync(handle);
  }
}

/** Reads a file as {@link readBoundedText} does; undefined without a file. */
export function readOptionalText(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readBoundedText(file);
}

/** Opens a path for reading without waiting for the other end of a pipe. */
export function openNonBlocking(file: string): number {
  return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Reads the text of an open file. Throws an Error if it is not a regular file, or too long. */
export function readRegularFile(handle: number): string {
  const stats = fstatSync(handle);
  if (!stats.isFile())
    throw new Error(stats.isDirectory() ? 'it is a directory' : 'it is not a regular file');
  if (stats.size > MAX_FILE_BYTES) throw new Error(TOO_LONG);
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const read = readSync(handle, chunk, 0, CHUNK_BYTES, null);
    if (read === 0) return Buffer.concat(chunks).toString('utf8');
    length += read;
    if (length > MAX_FILE_BYTES) throw new Error(TOO_LONG);
    chunks.push(chunk.subarray(0, read));
  }
}

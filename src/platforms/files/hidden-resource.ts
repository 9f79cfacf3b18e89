import { basename } from 'node:path';
import { UnreadableFileError } from '../../files/file-error.js';

const NAMED_KIND = /^([A-Z][A-Za-z]+)-/;
// Nothing is there, or no file: a socket.
const NO_FILE = new Set(['ENOENT', 'ENXIO']);

/**
 * True when `error` kept a file from being read that may hold a resource of one of these kinds, so that nobody can say
 * that there is none. A file that is called `<Kind>-<name>.yaml` holds its own kind alone, and a pipe or a device none.
 */
export function hidesResource(error: unknown, file: string, kinds: readonly string[]): boolean {
  if (!(error instanceof UnreadableFileError) || error.code === undefined || NO_FILE.has(error.code)) {
    return false;
  }
  const kind = NAMED_KIND.exec(basename(file))?.[1];
  return kind === undefined || kinds.includes(kind);
}

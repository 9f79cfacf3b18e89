import { basename } from 'node:path';
import { UnreadableFileError } from '../../files/file-error.js';

const NAMED_KIND = /^([A-Z][A-Za-z]+)-/;
// The file does not exist, or is a socket.
const NO_FILE = new Set(['ENOENT', 'ENXIO']);

/**
 * True if an unreadable file may contain a resource of one of these kinds; `error` is the failure of the read. A file named
 * `<Kind>-<name>.yaml` contains only that kind; a pipe or a device contains none.
 */
export function hidesResource(error: unknown, file: string, kinds: readonly string[]): boolean {
  if (!(error instanceof UnreadableFileError) || error.code === undefined || NO_FILE.has(error.code)) {
    return false;
  }
  const kind = NAMED_KIND.exec(basename(file))?.[1];
  return kind === undefined || kinds.includes(kind);
}

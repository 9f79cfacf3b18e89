import { statSync } from 'node:fs';

/** Returns a text that changes if a file is written or replaced. Throws the error of the file system. */
export function fileVersion(file: string): string {
  const { ino, mtimeMs, size } = statSync(file);
  return `${ino}/${mtimeMs}/${size}`;
}

import { statSync } from 'node:fs';

/**
 * Returns a text that changes if a file is written or replaced, or its permissions change. Throws the error of the file system.
 */
export function fileVersion(file: string): string {
  // Not mtime: programs that unpack or copy files restore it.
  const { dev, ino, ctimeNs, size } = statSync(file, { bigint: true });
  return `${dev}/${ino}/${ctimeNs}/${size}`;
}

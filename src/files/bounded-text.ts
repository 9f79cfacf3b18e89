import { closeSync, openSync, readSync } from 'node:fs';

const MOST_BYTES = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/**
 * The UTF-8 text of a file, or of an open file descriptor, of at most 1 MiB: no input of linkgrant's is longer, and a
 * device or a pipe may have no end. Throws an Error (`it is longer than 1 MiB`) for more, else what the file system threw.
 */
export function readBoundedText(file: string | number): string {
  const handle = typeof file === 'number' ? file : openSync(file, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readSync(handle, chunk, 0, CHUNK_BYTES, null);
      if (read === 0) return Buffer.concat(chunks).toString('utf8');
      length += read;
      if (length > MOST_BYTES) throw new Error('it is longer than 1 MiB');
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    if (typeof file !== 'number') closeSync(handle);
  }
}

import { closeSync, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { irregular, MOST_BYTES, openAtOnce, readWhole, TOO_LONG } from './bounded-text.js';
import { UnreadableFileError } from './file-error.js';

/**
 * Reads UTF-8 text of at most 1 MiB from a source that the user named: a regular file, a pipe, or standard input for `-`.
 * Waits for a pipe until `signal` aborts. Rejects with UnreadableFileError.
 */
export async function readExternalText(file: string, signal?: AbortSignal): Promise<string> {
  try {
    return await (file === '-' ? readStream(process.stdin, signal) : readPath(file, signal));
  } catch (error) {
    const isLate = (error as Error).name === 'AbortError';
    const cause = isLate ? new Error('it did not come to its end in the time given') : error;
    throw new UnreadableFileError(file === '-' ? 'standard input' : file, cause);
  }
}

async function readPath(file: string, signal: AbortSignal | undefined): Promise<string> {
  const handle = openAtOnce(file);
  const stats = fstatSync(handle);
  // The socket closes it.
  if (stats.isFIFO()) return readStream(new Socket({ fd: handle, readable: true, writable: false }), signal);
  try {
    if (!stats.isFile()) throw new Error(irregular(handle));
    return readWhole(handle);
  } finally {
    closeSync(handle);
  }
}

async function readStream(stream: Readable, signal: AbortSignal | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  // A loop that is left ends the stream too, which would else keep the process from ending.
  for await (const chunk of signal ? addAbortSignal(signal, stream) : stream) {
    length += (chunk as Buffer).length;
    if (length > MOST_BYTES) throw new Error(TOO_LONG);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

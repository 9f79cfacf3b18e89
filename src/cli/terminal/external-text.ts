import { closeSync, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { processContext } from '../../config/process-context.js';
import { irregular, MAX_BYTES, openAtOnce, readWhole, TOO_LONG } from '../../files/bounded-text.js';
import { UnreadableFileError } from '../../files/file-error.js';

/**
 * Reads UTF-8 text of at most 1 MiB from a regular file, from a pipe, or from standard input for `-`. A pipe is read to its
 * end, or until `signal` aborts. Rejects with UnreadableFileError.
 */
export async function readExternalText(file: string, signal?: AbortSignal): Promise<string> {
  try {
    return await (file === '-' ? readStream(processContext().stdin, signal) : readPath(file, signal));
  } catch (error) {
    const isLate = (error as Error).name === 'AbortError';
    const cause = isLate ? new Error('it did not come to its end in the time given') : error;
    throw new UnreadableFileError(file === '-' ? 'standard input' : file, cause);
  }
}

async function readPath(file: string, signal: AbortSignal | undefined): Promise<string> {
  const handle = openAtOnce(file);
  const stats = fstatSync(handle);
  // The socket closes the handle.
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
  // Leaving the loop destroys the stream. An open stream would keep the process running.
  for await (const chunk of signal ? addAbortSignal(signal, stream) : stream) {
    length += (chunk as Buffer).length;
    if (length > MAX_BYTES) throw new Error(TOO_LONG);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

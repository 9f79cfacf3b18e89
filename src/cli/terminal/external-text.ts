import { closeSync, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable } from 'node:stream';
import { commandContext } from '../../config/command-context.js';
import { MAX_FILE_BYTES, openNonBlocking, readRegularFile, TOO_LONG } from '../../files/bounded-text.js';
import { UnreadableFileError } from '../../files/file-error.js';

/**
 * Reads UTF-8 text of at most 1 MiB from a regular file, from a pipe, or from standard input for `-`. A pipe is read to its
 * end, or until `signal` aborts. Rejects with UnreadableFileError.
 */
export async function readExternalText(file: string, signal?: AbortSignal): Promise<string> {
  try {
    return await (file === '-' ? readStream(commandContext().stdin, signal) : readPath(file, signal));
  } catch (error) {
    const isAborted = (error as Error).name === 'AbortError';
    const cause = isAborted ? new Error('the end of the input did not arrive in time') : error;
    throw new UnreadableFileError(file === '-' ? 'standard input' : file, cause);
  }
}

async function readPath(file: string, signal: AbortSignal | undefined): Promise<string> {
  const handle = openNonBlocking(file);
  if (fstatSync(handle).isFIFO()) {
    // The socket closes the handle.
    return readStream(new Socket({ fd: handle, readable: true, writable: false }), signal);
  }
  try {
    return readRegularFile(handle);
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
    if (length > MAX_FILE_BYTES) throw new Error(TOO_LONG);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

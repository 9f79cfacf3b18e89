import type { IncomingMessage } from 'node:http';

const DRAIN_MS = 5_000;

/**
 * Reads and discards the rest of a request, at most `maxBytes` and 5 seconds, then calls `done`. Without this, closing the
 * connection after an early refusal resets it before the client has read the answer.
 */
export function drain(request: IncomingMessage, maxBytes: number, done: () => void): void {
  let remaining = maxBytes;
  const finish = () => {
    clearTimeout(timer);
    request.off('data', onData).off('end', finish).off('close', finish);
    done();
  };
  const onData = (chunk: Buffer) => {
    remaining -= chunk.length;
    if (remaining < 0) finish();
  };
  const timer = setTimeout(finish, DRAIN_MS);
  request.on('data', onData).on('end', finish).on('close', finish).resume();
}

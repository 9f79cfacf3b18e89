import type { ServerResponse } from 'node:http';

// What is left of a request is read and dropped within these bounds, so that closing does not reset the connection before
// the client has read its answer.
const MOST_BYTES = 1024 * 1024;
const MOST_MS = 5_000;

/** Sends `body` as JSON, or nothing where it is undefined, and ends the connection with it; nobody keeps a copy. */
export function sendWhole(response: ServerResponse, status: number, type: string, body: unknown): void {
  const { req: request } = response;
  const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
  response.statusCode = status;
  response.setHeader('cache-control', 'no-store');
  response.setHeader('connection', 'close');
  if (body !== undefined) {
    response.setHeader('content-type', type);
    response.setHeader('content-length', Buffer.byteLength(text));
  }
  if (request.complete || request.method === 'HEAD') {
    response.end(request.method === 'HEAD' ? undefined : text);
    return;
  }
  response.write(text);
  let left = MOST_BYTES;
  const finish = () => {
    clearTimeout(timer);
    request.removeListener('data', drop);
    response.end();
  };
  const drop = (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) finish();
  };
  const timer = setTimeout(finish, MOST_MS);
  request.on('data', drop);
  request.once('end', finish);
  request.once('close', finish);
  request.resume();
}

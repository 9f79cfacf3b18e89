import type { IncomingMessage } from 'node:http';
import type { RedemptionErrorCode } from '../domain/redemption-error.js';

/** Maximum length of a body with a code, in bytes. */
export const CODE_LIMIT = 4096;
/** Maximum length of a body with a renewal request, in bytes. */
export const RENEWAL_LIMIT = 16 * 1024;

/**
 * Reads the whole body, or returns why it cannot: longer than `limit` bytes (`body_too_large`, as soon as that is known),
 * not complete within `timeoutMs` (`body_timeout`), or interrupted (`body_invalid`). Never rejects.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  timeoutMs: number,
): Promise<Buffer | RedemptionErrorCode> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return Promise.resolve('body_too_large');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (outcome: Buffer | RedemptionErrorCode) => {
      clearTimeout(timer);
      request.removeListener('data', onData);
      request.pause();
      resolve(outcome);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      if (length > limit) settle('body_too_large');
      else chunks.push(chunk);
    };
    const timer = setTimeout(() => settle('body_timeout'), timeoutMs);
    request.on('data', onData);
    request.once('end', () => settle(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.once('error', () => settle('body_invalid'));
    request.once('close', () => settle('body_invalid'));
  });
}

const NEWLINE = 0x0a;

/** Removes one trailing newline from a body, because `curl --data-binary @file` sends it. */
export function contentOf(body: Buffer): Buffer {
  return body.at(-1) === NEWLINE ? body.subarray(0, -1) : body;
}

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { RedemptionError } from '../domain/redemption-error.js';
import { untilAborted } from '../time/abort.js';
import { inSpan, traceHeaders } from '../tracing/span.js';

/** One HTTP request; header values are bytes, one character each (RFC 9110 §5.5). */
export interface ExchangeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A response, with its body up to the limit of {@link exchange}. */
export interface ExchangeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** True if the body is longer than the limit; `body` then has only its beginning. */
  readonly isTruncated: boolean;
}

/** The request, or a part of it, was sent, and no complete response arrived. */
export class ResponseLost extends Error {
  override readonly name = 'ResponseLost';
}

/**
 * Returns a handler of rejections of {@link exchange}: throws ResponseLost as a RedemptionError whose message is `sentence` and the
 * reason, and rethrows other errors.
 */
export function onResponseLost(
  code: 'outcome_unknown' | 'service_unavailable',
  sentence: string,
): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ResponseLost)) throw error;
    throw new RedemptionError(code, `${sentence} (${error.message}).`, { cause: error });
  };
}

/**
 * Sends one request over an open connection, with the header `traceparent` if it is traced, reads the response to its end or up
 * to `limit` bytes of body, and closes the connection. Does not follow redirects. Rejects with ResponseLost if the connection
 * breaks, the response ends early or is no HTTP, an informational response arrives, or `signal` is aborted.
 */
export function exchange(
  socket: Duplex,
  request: ExchangeRequest,
  signal: AbortSignal,
  limit: number,
): Promise<ExchangeResponse> {
  const { method, headers } = request;
  const attributes = { 'http.request.method': method, 'server.address': headers.host };
  return inSpan({ name: method, kind: 'client', attributes }, async (span) => {
    const traced = { ...request, headers: { ...headers, ...traceHeaders() } };
    const response = await sendHttpRequest(socket, traced, signal, limit);
    span.set({ 'http.response.status_code': response.status });
    return response;
  });
}

async function sendHttpRequest(
  socket: Duplex,
  request: ExchangeRequest,
  signal: AbortSignal,
  limit: number,
): Promise<ExchangeResponse> {
  try {
    return await untilAborted<ExchangeResponse>(signal, (resolve, reject) => {
      const { method, path } = request;
      const length = request.body ? { 'content-length': String(request.body.length) } : {};
      const sent = httpRequest({
        createConnection: () => socket,
        method,
        path,
        headers: { ...request.headers, ...length, connection: 'close' },
        setHost: false,
      });
      sent.on('error', reject);
      sent.once('upgrade', () => reject(new Error('the response switches protocols')));
      // No request asks for informational responses (RFC 9110 §15.2), and a server could send them without end.
      sent.once('information', () => socket.destroy(new Error('an informational response')));
      sent.once('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const finish = (isTruncated: boolean) => {
          const body = Buffer.concat(chunks).subarray(0, limit);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, isTruncated });
        };
        const receive = (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size <= limit) return;
          // One read of the socket can have thousands of further chunks.
          response.off('data', receive);
          finish(true);
          socket.destroy();
        };
        response.on('data', receive);
        response.on('error', reject);
        response.once('close', () => {
          if (response.complete) finish(false);
          else reject(new Error('the response ended early'));
        });
      });
      sent.end(request.body);
    });
  } catch (error) {
    throw new ResponseLost(signal.aborted ? 'no complete response in time' : 'the connection broke', {
      cause: error,
    });
  } finally {
    socket.destroy();
  }
}

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { urlToHttpOptions } from 'node:url';
import { inSpan } from '../../../tracing/span.js';
import { ApiError, errorOfResponse, isApiError } from './api-error.js';
import type { ApiAccess, ClusterAccess } from './cluster-access.js';
import { exceedsLimit, type ResponseLimit } from './object-limit.js';

/** A request to the API server. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  /** Media type of the body; JSON if absent. */
  readonly contentType?: string;
  /** The description of the request for errors: verb, plural, namespace and name. */
  readonly description: string;
  /** Aborts the request, which then rejects with `unavailable`. */
  readonly signal: AbortSignal;
  /** A response that exceeds it is an error `too_large`; nine MiB if absent. */
  readonly limit?: ResponseLimit | undefined;
}

/** The body of a response that is read while it arrives. */
export interface ResponseStream extends AsyncIterable<unknown> {
  setEncoding(encoding: 'utf8'): unknown;
  destroy(): unknown;
}

/** Sends requests to the API server of one cluster. Both operations reject with ApiError, or with ClusterConfigError. */
export interface ApiTransport extends Pick<ClusterAccess, 'namespace' | 'close'> {
  /** Returns the parsed JSON of the response. */
  exchange(request: ApiRequest): Promise<unknown>;
  /** Returns the response when its headers arrive. */
  openStream(request: ApiRequest): Promise<ResponseStream>;
}

/** Returns the transport that sends requests over HTTP. */
export function httpTransport(access: ClusterAccess): ApiTransport {
  return {
    ...access,
    exchange: (request) => exchangeJson(access, request),
    async openStream(request) {
      const response = await openResponse(access, request);
      // Without TCP keep-alive, a lost peer would be noticed only at the time when the watch should end.
      response.socket.setKeepAlive(true, 10_000);
      return response;
    },
  };
}

// Several times a page of ordinary resources, and six times the largest resource that etcd accepts: JSON may encode
// one byte as six (\u003c). The limit protects the memory of this process from a namespace full of large resources.
const LIMIT: ResponseLimit = { bytes: 9 * 1024 * 1024 };

/**
 * Sends a request and returns the response when its headers arrive with a successful status. If the server refuses the cached
 * credentials, reads them again and retries once. Also retries a GET once if an idle connection broke. Rejects
 * with ApiError, or with ClusterConfigError if the credentials cannot be read.
 */
export async function openResponse(access: ClusterAccess, request: ApiRequest): Promise<IncomingMessage> {
  try {
    return await attemptRequest(await access.current(), request);
  } catch (error) {
    // The token was rotated meanwhile.
    if (isApiError(error, 'unauthorized')) return attemptRequest(await access.current(true), request);
    // The server closed an idle connection at the moment of its reuse.
    if (request.method === 'GET' && wasReused(error)) return attemptRequest(await access.current(), request);
    throw error;
  }
}

/** Sends a request and returns the parsed JSON of the response. Rejects like {@link openResponse}. */
export function exchangeJson(access: ClusterAccess, request: ApiRequest): Promise<unknown> {
  const [verb, resource] = request.description.split(' ');
  const attributes = { 'http.request.method': request.method };
  return inSpan({ name: `${verb} ${resource}`, kind: 'client', attributes }, async (span) => {
    const response = await openResponse(access, request).catch((error: unknown) => {
      if (error instanceof ApiError) span.set({ 'http.response.status_code': error.status });
      throw error;
    });
    span.set({ 'http.response.status_code': response.statusCode });
    const text = await responseText(response, request);
    if (request.limit && exceedsLimit(text, request.limit)) throw tooLargeError(request, response);
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw noResponseError(request.description, cause);
    }
  });
}

/** The error for a request without a complete response. */
export function noResponseError(description: string, cause: unknown, outcomeUnknown = true): ApiError {
  return new ApiError(description, { reason: 'unavailable', outcomeUnknown }, { cause });
}

class BrokenConnection extends Error {
  override readonly name = 'BrokenConnection';
  readonly reused: boolean;

  constructor(reused: boolean, cause: unknown) {
    super('the connection to the API server broke', { cause });
    this.reused = reused;
  }
}

function wasReused(error: unknown): boolean {
  return error instanceof ApiError && error.cause instanceof BrokenConnection && error.cause.reused;
}

// With these errors no connection was established, so the request was not sent.
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

async function attemptRequest(
  { server, agent, headers }: ApiAccess,
  request: ApiRequest,
): Promise<IncomingMessage> {
  const { method, path, description, signal, contentType = 'application/json' } = request;
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const open = server.protocol === 'http:' ? httpRequest : httpsRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const clientRequest = open({
      ...urlToHttpOptions(server),
      // The server URL may have a path, for example behind a proxy for many clusters.
      path: `${server.pathname.replace(/\/+$/, '')}${path}`,
      method,
      agent,
      headers: {
        accept: 'application/json',
        'user-agent': 'linkgrant',
        ...headers,
        ...(body && { 'content-type': contentType, 'content-length': body.length }),
      },
    });
    // Node's own `signal` option costs a tenth of the request's CPU time, and does not end a request that waits for a socket.
    const abort = () => {
      reject(noResponseError(description, signal.reason, clientRequest.socket !== null));
      clientRequest.destroy(signal.reason);
    };
    signal.addEventListener('abort', abort);
    clientRequest.once('close', () => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    clientRequest.once('response', resolve);
    clientRequest.on('error', (error: NodeJS.ErrnoException) => {
      const broken = new BrokenConnection(clientRequest.reusedSocket, error);
      reject(noResponseError(description, broken, !NEVER_SENT.has(error.code ?? '')));
    });
    clientRequest.end(body);
  });
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  throw errorOfResponse(description, status, response.headers, await responseText(response, request));
}

async function responseText(response: IncomingMessage, request: ApiRequest): Promise<string> {
  const { description, limit = LIMIT } = request;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit.bytes) throw tooLargeError(request, response);
      chunks.push(chunk);
    }
  } catch (cause) {
    // The error of an aborted response does not contain the reason of the abort.
    const { aborted, reason } = request.signal;
    throw cause instanceof ApiError ? cause : noResponseError(description, aborted ? reason : cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLargeError({ description }: ApiRequest, { statusCode }: IncomingMessage): ApiError {
  const status = statusCode as number;
  return new ApiError(description, {
    reason: 'too_large',
    status,
    word: 'ResponseTooLarge',
    outcomeUnknown: true,
  });
}

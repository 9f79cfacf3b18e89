import type { IncomingHttpHeaders } from 'node:http';

/**
 * Why the API server did not execute a request. `no_such_kind`: the CRD of the kind is missing. `conflict`: the resource was
 * changed or recreated meanwhile. `gone`: a list or watch must start again. `unavailable`: no response, or one without a
 * specific reason; the request may be retried later.
 */
export type ApiErrorReason =
  | 'not_found'
  | 'no_such_kind'
  | 'already_exists'
  | 'conflict'
  | 'forbidden'
  | 'unauthorized'
  | 'invalid'
  | 'gone'
  | 'too_large'
  | 'unavailable';

const BY_STATUS: Readonly<Record<number, ApiErrorReason>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'no_such_kind',
  409: 'conflict',
  410: 'gone',
  413: 'too_large',
  415: 'invalid',
  422: 'invalid',
};

/**
 * A request that the API refused or did not answer. `message` names the request and the server's one-word reason. The rest
 * of the response is dropped, because it may contain a code or a key.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  /** HTTP status; undefined if the connection failed before the response was complete. */
  readonly status: number | undefined;
  /** `details.causes[].reason` of the response, such as `NamespaceTerminating`. */
  readonly causes: readonly string[];
  /** Seconds after which to retry, if the server sent them. */
  readonly retryAfter: number | undefined;
  /** True if the request may have been executed. */
  readonly outcomeUnknown: boolean;

  constructor(
    request: string,
    details: {
      readonly reason: ApiErrorReason;
      readonly status?: number;
      readonly word?: string;
      readonly causes?: readonly string[];
      readonly retryAfter?: number;
      readonly outcomeUnknown?: boolean;
    },
    options?: { readonly cause?: unknown },
  ) {
    const { reason, status, word } = details;
    const outcome = status === undefined ? 'no answer' : `HTTP ${status}`;
    super(`${request}: ${outcome}${word === undefined ? '' : ` (${word})`}`, options);
    this.reason = reason;
    this.status = status;
    this.causes = details.causes ?? [];
    this.retryAfter = details.retryAfter;
    this.outcomeUnknown = details.outcomeUnknown ?? false;
  }
}

/** True for an ApiError of one of these reasons. */
export function isApiError(error: unknown, ...reasons: readonly ApiErrorReason[]): error is ApiError {
  return error instanceof ApiError && reasons.includes(error.reason);
}

/** True for an ApiError because the response was not complete in time. */
export function isTimeout(error: unknown): boolean {
  return isApiError(error, 'unavailable') && (error.cause as Error | undefined)?.name === 'TimeoutError';
}

/**
 * Log level and fields of a failure that is retried. An expired watch and a write conflict happen in normal operation, so
 * they are not warnings and have no stack.
 */
export function failureLog(error: unknown): {
  readonly level: 'info' | 'warn';
  readonly fields: { readonly reason: string } | { readonly err: unknown };
} {
  return isApiError(error, 'gone', 'conflict')
    ? { level: 'info', fields: { reason: error.message } }
    : { level: 'warn', fields: { err: error } };
}

/** The error for a response with this status. Of `body`, only the one-word reasons and the retry delay are used. */
export function errorOfResponse(
  request: string,
  status: number,
  headers: IncomingHttpHeaders,
  body: string,
): ApiError {
  const statusObject = statusObjectOf(body);
  const word = wordOf(statusObject?.reason);
  const details = (statusObject?.details ?? {}) as {
    readonly causes?: unknown;
    readonly retryAfterSeconds?: unknown;
  };
  const causes = (Array.isArray(details.causes) ? details.causes : []).flatMap(
    (cause: { readonly reason?: unknown } | null) => wordOf(cause?.reason) ?? [],
  );
  const seconds = Number(headers['retry-after'] ?? details.retryAfterSeconds);
  return new ApiError(request, {
    reason: apiErrorReason(status, word, statusObject !== undefined),
    status,
    ...(word !== undefined && { word }),
    causes,
    ...(Number.isFinite(seconds) && seconds > 0 && { retryAfter: seconds }),
    // The server sends 429 before it executes the request; with a 5xx a write may have started.
    outcomeUnknown: status >= 500,
  });
}

function apiErrorReason(status: number, word: string | undefined, isStatus: boolean): ApiErrorReason {
  if (word === 'AlreadyExists') return 'already_exists';
  if (word === 'Expired') return 'gone';
  // For a path without an API the server responds in plain text.
  if (status === 404 && !isStatus) return 'no_such_kind';
  return BY_STATUS[status] ?? 'unavailable';
}

function statusObjectOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(body) as Readonly<Record<string, unknown>> | null;
    return value?.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

// Reasons of the API are single words. Any other text is dropped.
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z]{1,64}$/.test(value) ? value : undefined;
}

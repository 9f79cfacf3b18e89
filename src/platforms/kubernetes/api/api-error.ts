import type { IncomingHttpHeaders } from 'node:http';

/**
 * Why the API server did not carry out a request. `no_such_kind`: the cluster does not know the kind, its CRD is missing.
 * `conflict`: the resource changed meanwhile, or is another one by now. `gone`: a list or watch must begin anew.
 * `unavailable`: no answer, or none that says anything; asking again later helps.
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
 * A request that the API refused or did not answer. `message` names the request and the server's one-word reason; what
 * else the server said may hold a code or a key, and is not kept.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ApiErrorReason;
  /** HTTP status, undefined without an answer. */
  readonly status: number | undefined;
  /** Words of the API's own list that say more, such as `NamespaceTerminating`. */
  readonly causes: readonly string[];
  /** Seconds after which to ask again, where the server said so. */
  readonly retryAfter: number | undefined;
  /** True if the request may have been carried out. */
  readonly outcomeUnknown: boolean;

  constructor(
    request: string,
    what: {
      readonly reason: ApiErrorReason;
      readonly status?: number;
      readonly word?: string;
      readonly causes?: readonly string[];
      readonly retryAfter?: number;
      readonly outcomeUnknown?: boolean;
    },
    options?: { readonly cause?: unknown },
  ) {
    const { reason, status, word } = what;
    const answered = status === undefined ? 'no answer' : `HTTP ${status}`;
    super(`${request}: ${answered}${word === undefined ? '' : ` (${word})`}`, options);
    this.reason = reason;
    this.status = status;
    this.causes = what.causes ?? [];
    this.retryAfter = what.retryAfter;
    this.outcomeUnknown = what.outcomeUnknown ?? false;
  }
}

/** True for an ApiError of one of these reasons. */
export function isApiError(error: unknown, ...reasons: readonly ApiErrorReason[]): error is ApiError {
  return error instanceof ApiError && reasons.includes(error.reason);
}

/**
 * Log level and fields of a failure that is retried. An expired watch and a write conflict happen in normal operation, so
 * they are not warnings and have no stack.
 */
export function failureLog(
  error: unknown,
):
  | { readonly level: 'info'; readonly fields: { readonly reason: string } }
  | { readonly level: 'warn'; readonly fields: { readonly err: unknown } } {
  return isApiError(error, 'gone', 'conflict')
    ? { level: 'info', fields: { reason: error.message } }
    : { level: 'warn', fields: { err: error } };
}

/** True for an ApiError of a request to which no answer came. */
export function isUnanswered(error: unknown): boolean {
  return isApiError(error, 'unavailable') && error.status === undefined;
}

/** The error that an answer with this status means; `body` is read for the words of the API's lists alone. */
export function errorOfAnswer(
  request: string,
  status: number,
  headers: IncomingHttpHeaders,
  body: string,
): ApiError {
  const said = statusObjectOf(body);
  const word = wordOf(said?.reason);
  const details = (said?.details ?? {}) as {
    readonly causes?: unknown;
    readonly retryAfterSeconds?: unknown;
  };
  const causes = (Array.isArray(details.causes) ? details.causes : []).flatMap(
    (cause: { readonly reason?: unknown } | null) => wordOf(cause?.reason) ?? [],
  );
  const seconds = Number(headers['retry-after'] ?? details.retryAfterSeconds);
  return new ApiError(request, {
    reason: reasonOf(status, word, said !== undefined),
    status,
    ...(word !== undefined && { word }),
    causes,
    ...(Number.isFinite(seconds) && seconds > 0 && { retryAfter: seconds }),
    // 429 is said before anything is done; behind a 5xx there may be a write that was begun.
    outcomeUnknown: status >= 500,
  });
}

function reasonOf(status: number, word: string | undefined, isStatus: boolean): ApiErrorReason {
  if (word === 'AlreadyExists') return 'already_exists';
  if (word === 'Expired') return 'gone';
  // A path that the server has no API for is answered in plain text.
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

// The API's reasons are single words; anything else is not one, and is not repeated.
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z]{1,64}$/.test(value) ? value : undefined;
}

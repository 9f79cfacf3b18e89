import { setTimeout as sleep } from 'node:timers/promises';
import { formatHostPort } from '../domain/host-port-text.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { inSpan } from '../tracing/span.js';
import { type ConnectionOptions, openConnection } from './connection.js';
import { type ExchangeRequest, exchange, ResponseLost } from './http-exchange.js';
import { tlsTargetOf } from './route.js';

// Limit of one exchange.
const TIMEOUT_MS = 10_000;
// A page of 500 grants with long rules.
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;
// Number of attempts for a repeatable request whose response is lost.
const ATTEMPTS = 3;
// A service that restarts needs some time.
const PAUSE_MS = 1_000;

/** The service whose admin API is called. */
export interface AdminServer {
  readonly url: URL;
  /** PEM of the trusted CAs; absent for the CAs that Node trusts. */
  readonly ca?: string | undefined;
  /** Returns the bearer token for the next request. */
  readonly bearer: () => Promise<string>;
}

/**
 * Sends requests to a service's admin API, each on its own connection and with the bearer token. Repeats reads, and requests with
 * an `Idempotency-Key`, if the response is lost, with pauses of a second. Rejects with RedemptionError if there is no response
 * from an admin API; the message says whether the service may have executed a request that changes something.
 */
export function adminFetch(
  server: AdminServer,
  options: ConnectionOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const exchangeRequest = await toExchangeRequest(request, server);
    const isRepeatable = request.method === 'GET' || request.headers.has('idempotency-key');
    let isLost = false;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await inSpan({ name: 'admin request', startsTrace: true }, () =>
          sendAdminRequest(exchangeRequest, server, options),
        );
      } catch (error) {
        isLost ||= error instanceof ResponseLost;
        if (!(error instanceof ResponseLost) || !isRepeatable || attempt === ATTEMPTS)
          throw adminFetchError(error, isLost && request.method !== 'GET');
      }
      await sleep(PAUSE_MS);
    }
  };
}

async function toExchangeRequest(request: Request, { url, bearer }: AdminServer): Promise<ExchangeRequest> {
  const body = new Uint8Array(await request.arrayBuffer());
  const { pathname, search } = new URL(request.url);
  return {
    method: request.method as ExchangeRequest['method'],
    path: pathname + search,
    headers: {
      ...Object.fromEntries(request.headers),
      host: url.host,
      accept: 'application/json, application/problem+json',
      authorization: `Bearer ${await bearer()}`,
    },
    ...(body.length > 0 && { body }),
  };
}

/** Returns the error of a failed request. If `isInDoubt` is true, its message says that an attempt may have been executed. */
function adminFetchError(error: unknown, isInDoubt: boolean): unknown {
  const failure =
    error instanceof ResponseLost
      ? new RedemptionError(
          'service_unavailable',
          `The service returned no complete response (${error.message}).`,
          { cause: error },
        )
      : error;
  if (!isInDoubt || !(failure instanceof RedemptionError)) return failure;
  const { code, message, cause } = failure;
  return new RedemptionError(code, `${message} The service may have executed the request.`, { cause });
}

async function sendAdminRequest(
  request: ExchangeRequest,
  { url, ca }: AdminServer,
  options: ConnectionOptions,
): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const target = tlsTargetOf(url, ca, '--server-ca');
  const where = formatHostPort(target);
  const socket = await openConnection(target, options, signal, MAX_RESPONSE_BYTES);
  const response = await exchange(socket, request, signal, MAX_RESPONSE_BYTES);
  if (response.isTruncated)
    throw new RedemptionError('answer_invalid', 'The response is larger than 16 MiB.');
  if (response.status >= 300 && response.status < 400)
    throw new RedemptionError('redirect', `${where} redirects, which the admin API never does.`);
  const type = response.headers['content-type'] ?? '';
  // A proxy in front of the service answers in another format.
  if (response.status !== 204 && !/^application\/(problem\+)?json\b/.test(type)) {
    const code = response.status >= 500 ? 'service_unavailable' : 'answer_invalid';
    throw new RedemptionError(code, `The server at ${where} is not an admin API (HTTP ${response.status}).`);
  }
  const headers = { 'content-type': type, 'content-length': String(response.body.length) };
  return new Response(response.status === 204 ? null : new Uint8Array(response.body), {
    status: response.status,
    headers,
  });
}

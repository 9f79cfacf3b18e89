import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request } from 'express';
import type { RouteOperation } from '../domain/listener-counts.js';
import { REQUEST_ID_HEADER } from '../domain/names.js';
import { RedemptionError, type RedemptionErrorCode } from '../domain/redemption-error.js';
import type { RequestingClient } from '../redemption/accepting/accepting-side.js';
import { inSpan } from '../tracing/span.js';
import { sendRefusal } from './answer.js';
import { clientAddress } from './client-address.js';
import { type Exchange, endDisconnected } from './redemption-answers.js';
import type { RedemptionAppDependencies } from './redemption-dependencies.js';
import { logOutcome, type RequestOutcome } from './request-outcome.js';

/**
 * Returns a function that handles a request: it assigns the request id, finds the client's address, calls `answer`,
 * responds to its errors, and records the outcome.
 */
export function requestHandler(deps: RedemptionAppDependencies) {
  return async (
    { request, response }: { readonly request: Request; readonly response: ServerResponse },
    operation: RouteOperation,
    answer: (exchange: Exchange) => Promise<RequestOutcome>,
  ): Promise<void> => {
    const start = performance.now();
    const requestId = randomUUID();
    response.setHeader(REQUEST_ID_HEADER, requestId);
    const { socket } = request;
    const address = deps.connections.addressOf(socket);
    const peer = clientAddress(request, address ?? '', deps.trustedProxies);
    const client: RequestingClient = {
      peer,
      requestId,
      onProven: () => deps.connections.markProven(socket),
      isConnected: () => isConnected(socket),
    };
    const run = () =>
      answer({ request, response, client }).catch((error: unknown) => answerFailure(response, error));
    const isTraced = operation !== 'other';
    const outcome =
      address === undefined
        ? endDisconnected(response)
        : await (isTraced ? inRequestSpan(request, response, requestId, run) : run());
    // Not for a grant that is requested by its name: the write would reveal that the name exists.
    if (outcome.outcome === 'code_wrong' && outcome.guessed) deps.wrongCodes.count(outcome.guessed.uid, peer);
    const milliseconds = performance.now() - start;
    deps.observer.answered(operation, outcome.outcome, milliseconds);
    // A failure of the service is always logged: its cause appears nowhere else.
    const isUnproven = !outcome.grant && outcome.error === undefined;
    if (isUnproven && !deps.unprovenRequests.count(peer, outcome.guessed)) return;
    logOutcome(deps.logger, { ...outcome, operation, peer, requestId, milliseconds });
  };
}

/**
 * Runs `run` in the span of a request. The span starts a trace of its own: any client can reach this listener, and must not add
 * to an existing trace or choose which traces are recorded.
 */
function inRequestSpan(
  request: Request,
  response: ServerResponse,
  requestId: string,
  run: () => Promise<RequestOutcome>,
): Promise<RequestOutcome> {
  const route: string = request.route.path;
  const options = {
    name: `POST ${route}`,
    kind: 'server',
    attributes: { 'http.request.method': 'POST', 'http.route': route, 'linkgrant.request_id': requestId },
    startsTrace: true,
    untrustedCaller: request.get('traceparent'),
  } as const;
  return inSpan(options, async (span) => {
    const result = await run();
    span.set({ 'http.response.status_code': response.statusCode, 'linkgrant.outcome': result.outcome });
    return result;
  });
}

/**
 * False if the client has closed its connection. If the client's FIN arrived together with the request, Node reads it two
 * turns of the event loop later, and then ends its own side.
 */
async function isConnected(socket: Socket): Promise<boolean> {
  await nextTurn();
  await nextTurn();
  return socket.writable;
}

/** Answers an unexpected error; its cause goes to the log only. */
function answerFailure(response: ServerResponse, error: unknown): RequestOutcome {
  const code = failureCode(error);
  const retryAfter = error instanceof RedemptionError ? error.retryAfter : undefined;
  if (response.headersSent) response.destroy();
  else sendRefusal(response, { refused: code, ...(retryAfter !== undefined && { retryAfter }) }, false);
  return code === 'overloaded' ? { outcome: code } : { outcome: code, error };
}

function failureCode(error: unknown): RedemptionErrorCode {
  const code = error instanceof RedemptionError ? error.code : undefined;
  return code === 'store_unavailable' || code === 'overloaded' ? code : 'internal';
}

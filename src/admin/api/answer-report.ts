import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { AdministrationError } from '../../domain/administration-error.js';
import { REQUEST_ID_HEADER } from '../../domain/names.js';
import { inSpan } from '../../tracing/span.js';
import type { AdminObserver } from '../admin-metrics.js';
import type { Caller } from './bearer.js';

/** Facts about a request, collected until its response is sent. */
export interface Findings {
  peer: string;
  route?: { readonly method: string; readonly path: string };
  caller?: Caller;
  refusal?: AdministrationError;
  /** When the response was ready, by `performance.now()`; the rest of the request is read and discarded after that. */
  answeredAt?: number;
  /**
   * True if only an unexpected failure of the request is logged: for requests that any client can send, and that could fill the
   * log. These are requests for the console or the metadata, and failed authentications beyond the budget of their source.
   */
  isUnlogged?: boolean;
}

/** Returns the findings about the request of this response. */
export function findingsOf(response: Response): Findings {
  return response.locals as Findings;
}

/** Assigns each request its id, and reports its response in one log line and in the metrics. */
export function reportAnswers({
  logger,
  observer,
  peerOf,
}: {
  readonly logger: Logger;
  readonly observer: AdminObserver;
  peerOf(request: IncomingMessage): string;
}): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const requestId = randomUUID();
    response.setHeader(REQUEST_ID_HEADER, requestId);
    const findings = findingsOf(response);
    findings.peer = peerOf(request);
    response.once('close', () => {
      const { route, caller, refusal, peer, answeredAt = performance.now() } = findings;
      const milliseconds = answeredAt - startedAt;
      const status = response.statusCode;
      observer.adminAnswered({
        method: route?.method ?? 'other',
        route: route?.path ?? 'none',
        status,
        refused: refusal?.code,
        milliseconds,
      });
      if (findings.isUnlogged && refusal?.code !== 'internal') return;
      const fields = {
        method: request.method,
        route: route?.path,
        status,
        ...(caller && { caller: caller.subject, role: caller.role }),
        peer,
        ms: Math.round(milliseconds * 100) / 100,
        requestId,
      };
      if (refusal) logRefusal(logger, refusal, fields);
      else logger.info({ event: 'admin', ...fields }, 'admin request');
    });
    next();
  };
}

/** Continues with `next` in the span of an authenticated request, which is part of the caller's trace. */
export function inAdminSpan(request: Request, response: Response, next: NextFunction): Promise<void> {
  const { method } = request;
  const options = {
    name: method,
    kind: 'server',
    attributes: {
      'http.request.method': method,
      'linkgrant.request_id': String(response.getHeader(REQUEST_ID_HEADER)),
    },
    startsTrace: true,
    caller: request.get('traceparent'),
  } as const;
  return inSpan(options, async (span) => {
    // A client that disconnected during the authentication gets no response.
    const answered = response.closed ? undefined : new Promise((resolve) => response.once('close', resolve));
    next();
    await answered;
    const { route, refusal } = findingsOf(response);
    span.set({
      'http.route': route?.path,
      'http.response.status_code': response.statusCode,
      'error.type': refusal?.code,
    });
  });
}

function logRefusal(logger: Logger, refusal: AdministrationError, fields: object): void {
  const refused = { event: 'admin_refused', code: refusal.code, reason: reasonOf(refusal), ...fields };
  if (refusal.code === 'internal') logger.error({ ...refused, err: refusal.cause }, 'admin request failed');
  else logger.info(refused, 'admin request refused');
}

/** Returns the reason, for the operator. Messages of libraries about tokens and keys name claims, but contain no values. */
export function reasonOf({ message, cause }: AdministrationError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}

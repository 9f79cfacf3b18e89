import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { RedemptionError, type RedemptionErrorCode } from '../domain/redemption-error.js';
import { REQUEST_ID_HEADER } from '../domain/request-id.js';
import type { RedeemDependencies } from '../redemption/accepting/redeem.js';
import type { Admission } from './admission.js';
import { sendRefusal } from './answer.js';
import { type AnsweredAct, logAnswer, type Told } from './answer-log.js';
import { clientAddress, type TrustedProxies } from './client-address.js';
import type { ConnectionTable } from './connection-table.js';
import {
  answerCheck,
  answerRedemption,
  answerRenewal,
  type Exchange,
  endDisconnected,
} from './redemption-answers.js';
import { CODE_LIMIT, contentOf, RENEWAL_LIMIT, readBody } from './request-body.js';
import { readRedemptionHeaders } from './request-headers.js';
import { parseRequestPath, pathSegments, type RequestedAct } from './request-path.js';
import type { UnprovenRequests } from './unproven-requests.js';

/** Told of each answer, for metrics. `outcome` is `redeemed`, `replayed`, `renewed`, `checked` or a refusal's code. */
export interface RedemptionObserver {
  answered(act: AnsweredAct, outcome: string, milliseconds: number): void;
}

export interface RedemptionAppDependencies
  extends Omit<RedeemDependencies, 'onLedgerFailure' | 'onProven' | 'mayIssue' | 'isClientConnected'> {
  /** URL path that all routes are under; `/` for none. */
  readonly pathPrefix: string;
  readonly allowRedeemByKey: boolean;
  readonly bodyTimeoutMs: number;
  readonly trustedProxies: TrustedProxies;
  readonly connections: Pick<ConnectionTable, 'prove' | 'addressOf'>;
  readonly admission: Admission;
  readonly unprovenRequests: UnprovenRequests;
  /**
   * Waits until the store can look up the grant of a uid without a listing; absent where lookups need none. Rejects with
   * RedemptionError `overloaded` when too many requests wait, `store_unavailable` when the listing fails.
   */
  readonly prepareLookup?: (uid: string) => Promise<void>;
  /** Told when the ledger could not note an attempt of this request. */
  readonly onLedgerFailure: (error: unknown, requestId: string) => void;
  readonly logger: Logger;
  readonly observer: RedemptionObserver;
}

/**
 * The public routes, all of them under one path prefix: `POST <grant uid>`, by key `POST <namespace>/<grant name>`, and
 * `/-/check` after either; and `POST -/renew`. Everything else is refused before the store is read.
 */
export function createRedemptionApp(deps: RedemptionAppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  // What a browser that strays here needs; the rest of helmet's headers is about pages.
  app.use(
    helmet.contentSecurityPolicy({ useDefaults: false, directives: { defaultSrc: ["'none'"] } }),
    // Other hosts of the domain, and other ports of this host, may serve plain HTTP.
    helmet.strictTransportSecurity({ includeSubDomains: false }),
    helmet.xContentTypeOptions(),
  );
  app.use(redemptionHandler(deps));
  return app;
}

function redemptionHandler(deps: RedemptionAppDependencies) {
  const prefix = pathSegments(deps.pathPrefix);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const start = performance.now();
    const requestId = randomUUID();
    response.setHeader(REQUEST_ID_HEADER, requestId);
    const { socket } = request;
    const address = deps.connections.addressOf(socket);
    const peer = clientAddress(request, address ?? '', deps.trustedProxies);
    const asked = parseRequestPath(request.url ?? '', prefix, deps.allowRedeemByKey);
    const own = {
      ...deps,
      onProven: () => deps.connections.prove(socket),
      mayIssue: () => deps.admission.mayIssue(),
      isClientConnected: () => isConnected(socket),
      onLedgerFailure: (error: unknown) => deps.onLedgerFailure(error, requestId),
    };
    const told =
      address === undefined
        ? endDisconnected(response)
        : await answer({ request, response, peer }, asked, own).catch((error: unknown) =>
            answerFailure(response, error),
          );
    const ms = performance.now() - start;
    const act = asked?.act ?? 'other';
    deps.observer.answered(act, told.outcome, ms);
    // A failure of the service is always logged: its cause is nowhere else.
    const isUnproven = !told.grant && told.error === undefined;
    if (isUnproven && !(await deps.unprovenRequests.count(peer, told.guessed))) return;
    logAnswer(deps.logger, { act, ...told, peer, requestId }, ms);
  };
}

/**
 * False if the client has closed its connection. Node reads an end that arrived with the request two turns of the event loop
 * later, and then ends its own side.
 */
async function isConnected(socket: Socket): Promise<boolean> {
  await nextTurn();
  await nextTurn();
  return socket.writable;
}

async function answer(
  exchange: Exchange,
  asked: RequestedAct | undefined,
  deps: Pick<RedemptionAppDependencies, 'admission' | 'bodyTimeoutMs' | 'prepareLookup'> & RedeemDependencies,
): Promise<Told> {
  const { request, response } = exchange;
  const refuse = (refused: RedemptionErrorCode): Told => {
    sendRefusal(response, { refused }, false);
    return { outcome: refused };
  };
  if (request.method !== 'POST') return refuse('method_not_allowed');
  if (!asked) return refuse('grant_unknown');
  const headers = asked.act === 'renew' ? undefined : readRedemptionHeaders(request);
  if (typeof headers === 'string') return refuse(headers);
  const limit = asked.act === 'renew' ? RENEWAL_LIMIT : CODE_LIMIT;
  const body = await readBody(request, limit, deps.bodyTimeoutMs);
  if (typeof body === 'string') return refuse(body);
  const content = contentOf(body);
  if (asked.act !== 'renew' && 'uid' in asked.target) await deps.prepareLookup?.(asked.target.uid);
  // A request counts from here on: a slow body or a wait for a listing of grants is not work.
  const told = await deps.admission.run(() => {
    if (asked.act === 'renew' || !headers) return answerRenewal(exchange, content.toString('latin1'), deps);
    if (asked.act === 'check') return answerCheck(exchange, asked.target, content, deps);
    return answerRedemption(exchange, { target: asked.target, code: content, ...headers }, deps);
  });
  return told ?? refuse('overloaded');
}

/** Answers what no refusal foresaw; its cause is for the log alone. */
function answerFailure(response: ServerResponse, error: unknown): Told {
  const code = failureCode(error);
  if (response.headersSent) response.destroy();
  else sendRefusal(response, { refused: code }, false);
  return code === 'overloaded' ? { outcome: code } : { outcome: code, error };
}

function failureCode(error: unknown): RedemptionErrorCode {
  const code = error instanceof RedemptionError ? error.code : undefined;
  return code === 'store_unavailable' || code === 'overloaded' ? code : 'internal';
}

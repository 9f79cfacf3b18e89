import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { normalizeAddress } from '../domain/peer-address.js';
import type { Redemption } from '../domain/redemption.js';
import { RedemptionError, type RedemptionErrorCode, type Refusal } from '../domain/redemption-error.js';
import { checkGrant } from '../redemption/check-grant.js';
import type { GrantTarget } from '../redemption/prove-code.js';
import { type RedeemDependencies, type RedemptionRequest, redeem } from '../redemption/redeem.js';
import { type PresentedRenewal, renew } from '../redemption/renew.js';
import { renderCheck, renderLink, send, sendRefusal } from './answer.js';
import { type AnsweredAct, logAnswer, type Told } from './answer-log.js';
import { CODE_LIMIT, contentOf, RENEWAL_LIMIT, readBody } from './request-body.js';
import { readRedemptionHeaders } from './request-headers.js';
import { parseRequestPath, pathSegments, type RequestedAct } from './request-path.js';

/** Told of each answer, for metrics. `outcome` is `redeemed`, `replayed`, `renewed`, `checked` or a refusal's code. */
export interface RedemptionObserver {
  answered(act: AnsweredAct, outcome: string, milliseconds: number): void;
}

export interface RedemptionAppDependencies extends RedeemDependencies {
  /** URL path that all routes are under; `/` for none. */
  readonly pathPrefix: string;
  readonly allowRedeemByKey: boolean;
  readonly bodyTimeoutMs: number;
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
    helmet.strictTransportSecurity(),
    helmet.xContentTypeOptions(),
  );
  app.use(redemptionHandler(deps));
  return app;
}

function redemptionHandler(deps: RedemptionAppDependencies) {
  const prefix = pathSegments(deps.pathPrefix);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const start = performance.now();
    const peer = normalizeAddress(request.socket.remoteAddress ?? '');
    const asked = parseRequestPath(request.url ?? '', prefix, deps.allowRedeemByKey);
    const told = await answer(request, response, peer, asked, deps).catch((error: unknown) =>
      answerFailure(response, error),
    );
    const ms = performance.now() - start;
    const act = asked?.act ?? 'other';
    deps.observer.answered(act, told.outcome, ms);
    logAnswer(deps.logger, { act, ...told }, peer, ms);
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  peer: string,
  asked: RequestedAct | undefined,
  deps: RedemptionAppDependencies,
): Promise<Told> {
  const refuse = (refusal: Refusal): Told => {
    sendRefusal(response, refusal, false);
    return { outcome: refusal.refused };
  };
  if (request.method !== 'POST') return refuse({ refused: 'method_not_allowed' });
  if (!asked) return refuse({ refused: 'grant_unknown' });
  if (asked.act === 'renew') {
    const body = await readBody(request, RENEWAL_LIMIT, deps.bodyTimeoutMs);
    if (typeof body === 'string') return refuse({ refused: body });
    return answerRenewal(response, { text: contentOf(body).toString('latin1'), peer }, deps);
  }
  const headers = readRedemptionHeaders(request);
  if (typeof headers === 'string') return refuse({ refused: headers });
  const body = await readBody(request, CODE_LIMIT, deps.bodyTimeoutMs);
  if (typeof body === 'string') return refuse({ refused: body });
  const code = contentOf(body);
  if (asked.act === 'check') return answerCheck(response, asked.target, code, deps);
  return answerRedemption(response, { target: asked.target, code, peer, ...headers }, deps);
}

async function answerCheck(
  response: ServerResponse,
  target: GrantTarget,
  code: Buffer,
  deps: RedemptionAppDependencies,
): Promise<Told> {
  const outcome = await checkGrant(target, code, deps);
  if ('refused' in outcome) {
    sendRefusal(response, outcome, false);
    return { outcome: outcome.refused };
  }
  send(response, 200, 'application/json', renderCheck(outcome));
  return { outcome: 'checked', grant: outcome.grant };
}

async function answerRedemption(
  response: ServerResponse,
  request: RedemptionRequest,
  deps: RedemptionAppDependencies,
): Promise<Told> {
  const outcome = await redeem(request, deps);
  if ('refused' in outcome) {
    sendRefusal(response, outcome, outcome.proven !== undefined);
    const { refused, proven, reason } = outcome;
    // What a stranger calls himself is nobody's name, and may be anything, a code included.
    const { name, subject } = proven ? request : {};
    return { outcome: refused, grant: proven, name, subject, reason };
  }
  await deps.checkpoint('before-answer');
  send(response, 200, 'application/yaml', renderLink(outcome));
  const { id, name, subject } = outcome.redemption;
  return {
    outcome: outcome.replayed ? 'replayed' : 'redeemed',
    grant: outcome.grant,
    redemption: id,
    name,
    subject,
  };
}

async function answerRenewal(
  response: ServerResponse,
  presented: PresentedRenewal,
  deps: RedemptionAppDependencies,
): Promise<Told> {
  const outcome = await renew(presented, deps);
  if ('refused' in outcome) {
    const { refused, proven, reason, serverTime } = outcome;
    const members = serverTime === undefined ? {} : { serverTime: new Date(serverTime).toISOString() };
    sendRefusal(response, outcome, proven !== undefined, members);
    return { outcome: refused, ...(proven && toldOf(proven)), reason };
  }
  await deps.checkpoint('before-answer');
  send(response, 200, 'application/yaml', renderLink(outcome));
  return { outcome: outcome.replayed ? 'replayed' : 'renewed', ...toldOf(outcome.redemption) };
}

function toldOf({ id, grantUid, namespace, name, subject }: Redemption) {
  return { grant: { uid: grantUid, namespace }, redemption: id, name, subject };
}

/** Answers what no refusal foresaw; its cause is for the log alone. */
function answerFailure(response: ServerResponse, error: unknown): Told {
  const code: RedemptionErrorCode =
    error instanceof RedemptionError && error.code === 'store_unavailable' ? 'store_unavailable' : 'internal';
  if (response.headersSent) response.destroy();
  else sendRefusal(response, { refused: code }, false);
  return { outcome: code, error };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeLinkDocuments } from '../domain/link-resources.js';
import { NIL_UUID } from '../domain/names.js';
import type { Redemption } from '../domain/redemption.js';
import { type RedemptionErrorCode, storeUnavailable } from '../domain/redemption-error.js';
import type { RequestingClient } from '../redemption/accepting/accepting-side.js';
import { checkGrant } from '../redemption/accepting/check-grant.js';
import type { GrantTarget } from '../redemption/accepting/prove-code.js';
import { redeem } from '../redemption/accepting/redeem.js';
import { renew } from '../redemption/accepting/renew.js';
import { inSpan } from '../tracing/span.js';
import { renderCheck, send, sendRefusal } from './answer.js';
import type { RedemptionAppDependencies } from './redemption-dependencies.js';
import { CODE_LIMIT, contentOf, RENEWAL_LIMIT, readBody } from './request-body.js';
import { type RedemptionHeaders, readRedemptionHeaders } from './request-headers.js';
import type { RequestOutcome } from './request-outcome.js';

/** One request, its response and its client. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: RequestingClient;
}

/** Ends a request whose client disconnected before a use was counted for it. */
export function endDisconnected(response: ServerResponse): RequestOutcome {
  response.destroy();
  return { outcome: 'client_disconnected' };
}

/** Refuses a request that no route matches: 405 for any method but POST, else 404. */
export async function answerUnknownRoute(exchange: Exchange): Promise<RequestOutcome> {
  return refuse(exchange, exchange.request.method === 'POST' ? 'grant_unknown' : 'method_not_allowed');
}

/** Answers a check in JSON. */
export function answerCheck(
  exchange: Exchange,
  deps: RedemptionAppDependencies,
  target: GrantTarget,
): Promise<RequestOutcome> {
  const { response, client } = exchange;
  return withCode(exchange, deps, target, async (code, { csr }) => {
    const result = await inSpan({ name: 'check grant' }, () =>
      checkGrant(target, { code, csr }, client, deps),
    );
    if ('refused' in result) {
      sendRefusal(response, result, false);
      const isProbe = 'uid' in target && target.uid === NIL_UUID;
      const { refused: outcome, guessed, reason, provider } = result;
      return { outcome, guessed, reason, provider, isProbe };
    }
    send(response, 200, 'application/json', renderCheck(result));
    return { outcome: 'checked', grant: result.grant };
  });
}

/** Answers a redemption with the YAML stream of its link. */
export function answerRedemption(
  exchange: Exchange,
  deps: RedemptionAppDependencies,
  target: GrantTarget,
): Promise<RequestOutcome> {
  const { response, client } = exchange;
  return withCode(exchange, deps, target, async (code, headers, receivedAt) => {
    const result = await inSpan({ name: 'redeem' }, () =>
      redeem({ target, code, receivedAt, ...headers }, client, deps),
    );
    const { name, subject } = headers;
    if ('disconnected' in result)
      return { ...endDisconnected(response), grant: result.proven, name, subject };
    if ('refused' in result) {
      const { refused, proven, guessed, reason, provider, conflict } = result;
      sendRefusal(response, result, proven !== undefined);
      // Without proof, name and subject are not logged: they may contain anything, a code included.
      return proven
        ? { outcome: refused, grant: proven, name, subject, reason, provider, conflict }
        : { outcome: refused, guessed, reason, provider };
    }
    await deps.checkpoint('before-answer');
    send(response, 200, 'application/yaml', encodeLinkDocuments(result.secret, result.links));
    const { provider } = result;
    return {
      outcome: result.replayed ? 'replayed' : 'redeemed',
      provider,
      ...redemptionFields(result.redemption),
    };
  });
}

/** Answers a renewal with the YAML stream of the renewed link. */
export async function answerRenewal(
  exchange: Exchange,
  deps: RedemptionAppDependencies,
): Promise<RequestOutcome> {
  const { request, response, client } = exchange;
  const body = await readBody(request, RENEWAL_LIMIT, deps.bodyTimeoutMs);
  if (typeof body === 'string') return refuse(exchange, body);
  const work = async () => {
    const result = await inSpan({ name: 'renew' }, () =>
      renew(contentOf(body).toString('latin1'), client, deps),
    );
    if ('refused' in result) {
      const { refused, proven, reason, serverTime } = result;
      const members = serverTime === undefined ? {} : { serverTime: new Date(serverTime).toISOString() };
      sendRefusal(response, result, proven !== undefined, 'renewal', members);
      return { outcome: refused, reason, ...(proven && redemptionFields(proven)) };
    }
    await deps.checkpoint('before-answer');
    send(response, 200, 'application/yaml', encodeLinkDocuments(result.secret, result.links));
    return { outcome: result.replayed ? 'replayed' : 'renewed', ...redemptionFields(result.redemption) };
  };
  return inTime(deps, () => admit(exchange, deps, work));
}

/** Reads the headers and the code of a request, then runs `work`. */
async function withCode(
  exchange: Exchange,
  deps: RedemptionAppDependencies,
  target: GrantTarget,
  work: (code: Buffer, headers: RedemptionHeaders, receivedAt: number) => Promise<RequestOutcome>,
): Promise<RequestOutcome> {
  const { request } = exchange;
  const headers = readRedemptionHeaders(request);
  if (typeof headers === 'string') return refuse(exchange, headers);
  const body = await readBody(request, CODE_LIMIT, deps.bodyTimeoutMs);
  if (typeof body === 'string') return refuse(exchange, body);
  const receivedAt = performance.now();
  return inTime(deps, async () => {
    if ('uid' in target) await deps.prepareLookup?.(target.uid);
    return admit(exchange, deps, () => work(contentOf(body), headers, receivedAt));
  });
}

/** Runs `work`. Rejects with `store_unavailable` after `responseTimeoutMs`; `work` then continues, and sends no response. */
async function inTime<T>(
  { responseTimeoutMs }: RedemptionAppDependencies,
  work: () => Promise<T>,
): Promise<T> {
  if (responseTimeoutMs === undefined) return work();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(storeUnavailable('the store did not respond in time')),
      responseTimeoutMs,
    );
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs `work`, or refuses the request if too many are in flight. A request counts as in flight only from here on, not while
 * its body arrives or while it waits for a listing of grants.
 */
async function admit(
  exchange: Exchange,
  { admission }: RedemptionAppDependencies,
  work: () => Promise<RequestOutcome>,
): Promise<RequestOutcome> {
  return (await admission.run(work)) ?? refuse(exchange, 'overloaded');
}

function refuse({ response }: Exchange, refused: RedemptionErrorCode): RequestOutcome {
  sendRefusal(response, { refused }, false);
  return { outcome: refused };
}

/** The members of an outcome that identify a redemption. */
function redemptionFields({ id, grantUid, namespace, name, subject }: Redemption) {
  return { grant: { uid: grantUid, namespace }, redemption: id, name, subject };
}

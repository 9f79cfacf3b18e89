import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Refusal } from '../domain/redemption-error.js';
import type { GrantCheck } from '../redemption/accepting/check-grant.js';
import { formatPolicySettings } from '../redemption/accepting/policy-settings.js';
import { drain } from '../time/drain.js';
import { type RefusedRoute, wireRefusal } from './problem.js';
import { acceptsProblem } from './request-headers.js';

const DRAIN_BYTES = 16 * 1024 * 1024;
// Random, so that clients that were refused at the same moment do not retry at the same moment.
const OVERLOADED_JITTER_S = 10;

/** Renders a check as JSON; times in RFC 3339. */
export function renderCheck(check: GrantCheck): string {
  const { state, redemptions, redemptionsAllowed, expirationTime, endpoints, policy, serverTime } = check;
  return `${JSON.stringify({
    state,
    redemptions,
    redemptionsAllowed,
    expirationTime: expirationTime === null ? null : new Date(expirationTime).toISOString(),
    link: { endpoints },
    policy: formatPolicySettings(policy),
    serverTime: new Date(serverTime).toISOString(),
  })}\n`;
}

/**
 * Sends a response and closes the connection, because unmodified Skupper clients neither reuse nor close it. Sends nothing if the
 * request was refused meanwhile, because the store took too long.
 */
export function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  if (response.headersSent) return;
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
  });
  const { req: request } = response;
  if (request.complete) {
    // A string, because Node sends it in one piece with the headers; a Buffer would be a second piece.
    response.end(request.method === 'HEAD' ? undefined : body);
  } else {
    if (request.method !== 'HEAD') response.write(body);
    drain(request, DRAIN_BYTES, () => response.end());
  }
}

/**
 * Sends a refusal: as an RFC 9457 problem with additional `members` if the client accepts that, else as plain text.
 * `isProven` adds the header `linkgrant-reason`, which only a client that proved the code or the key of its link may see.
 */
export function sendRefusal(
  response: ServerResponse,
  refusal: Refusal,
  isProven: boolean,
  route: RefusedRoute = 'redemption',
  members: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) return;
  const { status, text, retryAfterS } = wireRefusal(refusal.refused, route);
  if (status === 405) response.setHeader('allow', 'POST');
  if (status === 503) response.setHeader('retry-after', String(retryAfterOf(refusal, retryAfterS)));
  if (isProven) response.setHeader('linkgrant-reason', refusal.refused);
  if (acceptsProblem(response.req)) {
    // `code` identifies the problem; `about:blank` means that no URI does (RFC 9457 §4.2.1).
    const problem = { type: 'about:blank', title: text, status, code: refusal.refused, ...members };
    send(response, status, 'application/problem+json', `${JSON.stringify(problem)}\n`);
  } else {
    send(response, status, 'text/plain; charset=utf-8', `${text}\n`);
  }
}

function retryAfterOf({ refused, retryAfter }: Refusal, usual: number): number {
  if (retryAfter !== undefined) return retryAfter;
  return refused === 'overloaded' ? usual + randomInt(OVERLOADED_JITTER_S + 1) : usual;
}

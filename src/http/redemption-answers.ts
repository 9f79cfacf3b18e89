import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Redemption } from '../domain/redemption.js';
import { checkGrant } from '../redemption/accepting/check-grant.js';
import type { GrantTarget } from '../redemption/accepting/prove-code.js';
import { type RedeemDependencies, type RedemptionRequest, redeem } from '../redemption/accepting/redeem.js';
import { renew } from '../redemption/accepting/renew.js';
import { renderCheck, renderLink, send, sendRefusal } from './answer.js';
import type { Told } from './answer-log.js';

/** A request, what answers it, and the address of who asks. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly peer: string;
}

/** Ends a request whose client disconnected before a use was counted for it. */
export function endDisconnected(response: ServerResponse): Told {
  response.destroy();
  return { outcome: 'client_disconnected' };
}

/** Answers a check in JSON. */
export async function answerCheck(
  { response }: Exchange,
  target: GrantTarget,
  code: Buffer,
  deps: RedeemDependencies,
): Promise<Told> {
  const outcome = await checkGrant(target, code, deps);
  if ('refused' in outcome) {
    sendRefusal(response, outcome, false);
    return { outcome: outcome.refused, guessed: outcome.guessed };
  }
  send(response, 200, 'application/json', renderCheck(outcome));
  return { outcome: 'checked', grant: outcome.grant };
}

/** Answers a redemption with the YAML stream of its link. */
export async function answerRedemption(
  { response, peer }: Exchange,
  request: Omit<RedemptionRequest, 'peer'>,
  deps: RedeemDependencies,
): Promise<Told> {
  const outcome = await redeem({ ...request, peer }, deps);
  if ('disconnected' in outcome) {
    const { name, subject } = request;
    return { ...endDisconnected(response), grant: outcome.proven, name, subject };
  }
  if ('refused' in outcome) {
    sendRefusal(response, outcome, outcome.proven !== undefined);
    const { refused, proven, guessed, reason } = outcome;
    if (!proven) return { outcome: refused, guessed };
    // Only who proved the code is named: what a stranger calls himself may be anything, a code included.
    const { name, subject } = request;
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

/** Answers a renewal request, in `text`, with the YAML stream of the renewed link. */
export async function answerRenewal(
  { response, peer }: Exchange,
  text: string,
  deps: RedeemDependencies,
): Promise<Told> {
  const outcome = await renew({ text, peer }, deps);
  if ('refused' in outcome) {
    const { refused, proven, reason, serverTime } = outcome;
    const members = serverTime === undefined ? {} : { serverTime: new Date(serverTime).toISOString() };
    sendRefusal(response, outcome, proven !== undefined, 'renewal', members);
    if (proven) return { outcome: refused, ...toldOf(proven), reason };
    return { outcome: refused, reason };
  }
  await deps.checkpoint('before-answer');
  send(response, 200, 'application/yaml', renderLink(outcome));
  return { outcome: outcome.replayed ? 'replayed' : 'renewed', ...toldOf(outcome.redemption) };
}

function toldOf({ id, grantUid, namespace, name, subject }: Redemption) {
  return { grant: { uid: grantUid, namespace }, redemption: id, name, subject };
}

import type { Condition } from '../api/condition.js';
import type { Resource } from '../api/resource.js';
import { timestamp } from '../grants/access-grant-resource.js';

/** What a controller says of an AccessToken; what is absent was not said yet. */
export interface AccessTokenStatus {
  readonly redeemed?: boolean;
  readonly status?: string;
  readonly message?: string;
  readonly conditions?: readonly Condition[];
}

/** Skupper's AccessToken as the API has it. Its spec holds a code, and is checked by who reads it. */
export interface AccessTokenResource extends Resource {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: AccessTokenStatus;
}

/**
 * The reason of the condition `Redeemed`. `Ready`: the link is in place. `Refused`: for good, as far as this spec goes.
 * `OutcomeUnknown`: a use may be spent, and nothing is posted again by itself. `Error`: it is tried again. `Pending`: there
 * is no Site yet.
 */
export type TokenReason = 'Ready' | 'Refused' | 'OutcomeUnknown' | 'Error' | 'Pending';

/** What is to be said of a token; `message` is a sentence without secrets and without a peer's words. */
export interface TokenState {
  readonly redeemed: boolean;
  readonly reason: TokenReason;
  readonly message: string;
}

/** As Skupper says it of a link that went with its Site. */
export const OF_DELETED_SITE: TokenState = {
  redeemed: true,
  reason: 'Error',
  message: 'Already redeemed for a deleted site',
};

const REDEEMED = 'Redeemed';

/** The condition that tells whether a token was redeemed, whoever said so; undefined before anybody did. */
export function redeemedCondition({ status = {} }: AccessTokenResource): Condition | undefined {
  return status.conditions?.find(({ type }) => type === REDEEMED);
}

/** What was said for good of the spec as it is now; undefined where there is something to be done. */
export function finalReason(token: AccessTokenResource): TokenReason | undefined {
  const condition = redeemedCondition(token);
  if (condition?.status === 'True') return 'Ready';
  const { reason, observedGeneration } = condition ?? {};
  if (observedGeneration !== token.metadata.generation) return undefined;
  return reason === 'Refused' || reason === 'OutcomeUnknown' ? reason : undefined;
}

/** The fields of a status that say so; undefined where it says so already. Conditions of others stay. */
export function tokenStatus(
  token: AccessTokenResource,
  { redeemed, reason, message }: TokenState,
  now: number,
): AccessTokenStatus | undefined {
  const { status: found = {}, metadata } = token;
  const before = redeemedCondition(token);
  const status = redeemed ? 'True' : 'False';
  const observedGeneration = metadata.generation ?? 0;
  const isSaid =
    before?.status === status &&
    before.reason === reason &&
    before.message === message &&
    before.observedGeneration === observedGeneration &&
    found.status === reason &&
    found.message === message &&
    (found.redeemed ?? false) === redeemed;
  if (isSaid) return undefined;
  const lastTransitionTime =
    before?.status === status ? before.lastTransitionTime : timestamp(Math.floor(now / 1_000) * 1_000);
  const condition: Condition = {
    type: REDEEMED,
    status,
    reason,
    message,
    observedGeneration,
    lastTransitionTime,
  };
  const others = (found.conditions ?? []).filter(({ type }) => type !== REDEEMED);
  return { redeemed, status: reason, message, conditions: [...others, condition] };
}

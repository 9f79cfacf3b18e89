import { isDeepStrictEqual } from 'node:util';
import { mergeConditions } from '../api/merge-conditions.js';
import type { Condition, Resource, Stored } from '../api/resource.js';

/** The status of an AccessToken. A controller sets the fields; absent fields are not set yet. */
export interface AccessTokenStatus {
  readonly redeemed?: boolean;
  readonly status?: string;
  readonly message?: string;
  readonly conditions?: readonly Condition[];
}

/** Skupper's AccessToken as the API returns it. The spec is not validated yet and contains the secret code. */
export interface AccessTokenResource extends Resource {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: AccessTokenStatus;
}

/**
 * The reason of the condition `Redeemed`. `Ready`: the link is in place. `Refused`: final until the spec changes.
 * `OutcomeUnknown`: a use may be spent, so the request is not repeated automatically. `Error`: the redemption is retried,
 * except in {@link DELETED_SITE_STATE}. `Pending`: the namespace has no Site yet.
 */
export type TokenReason = 'Ready' | 'Refused' | 'OutcomeUnknown' | 'Error' | 'Pending';

/** The state to write into the status of a token. `message` is a sentence without secrets and without text from a peer. */
export interface TokenState {
  readonly redeemed: boolean;
  readonly reason: TokenReason;
  readonly message: string;
}

/** The state of a token whose link was deleted with its Site, in Skupper's words. */
export const DELETED_SITE_STATE: TokenState = {
  redeemed: true,
  reason: 'Error',
  message: 'Already redeemed for a deleted site',
};

const REDEEMED = 'Redeemed';

/** The version of a token. It differs for a recreated resource of the same name and for a changed spec. */
export function tokenVersion({ metadata: { uid, generation } }: Stored<AccessTokenResource>): string {
  return `${uid} ${generation}`;
}

/** The condition `Redeemed` of a token, set by any controller; undefined before it is set. */
export function redeemedCondition({ status = {} }: AccessTokenResource): Condition | undefined {
  return status.conditions?.find(({ type }) => type === REDEEMED);
}

/**
 * The final reason in the status; undefined while the token still has to be processed. A redeemed token (`Ready`, also in
 * {@link DELETED_SITE_STATE}) stays so if its spec changes; the other reasons are final only for the present spec.
 */
export function finalReason(token: AccessTokenResource): TokenReason | undefined {
  const condition = redeemedCondition(token);
  if (condition?.status === 'True') return 'Ready';
  const { reason, observedGeneration } = condition ?? {};
  if (observedGeneration !== token.metadata.generation) return undefined;
  return reason === 'Refused' || reason === 'OutcomeUnknown' ? reason : undefined;
}

/** The status fields for a state; undefined if the status has them already. Conditions of other types are retained. */
export function tokenStatus(
  token: AccessTokenResource,
  { redeemed, reason, message }: TokenState,
  now: number,
): AccessTokenStatus | undefined {
  const { status: present = {}, metadata } = token;
  const condition = { type: REDEEMED, status: redeemed ? 'True' : 'False', reason, message } as const;
  const when = { generation: metadata.generation, now };
  const conditions = mergeConditions(present.conditions ?? [], [condition], when);
  const isUpToDate =
    isDeepStrictEqual(conditions, present.conditions) &&
    present.status === reason &&
    present.message === message &&
    (present.redeemed ?? false) === redeemed;
  return isUpToDate ? undefined : { redeemed, status: reason, message, conditions };
}

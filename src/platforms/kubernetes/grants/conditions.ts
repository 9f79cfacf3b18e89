import type { AccessGrantState } from '../../../domain/access-grant.js';
import { STOCK_TEXT } from '../../../domain/stock-texts.js';
import type { SiteRefusal } from '../../../redemption/ports/site.js';
import { mergeConditions } from '../api/merge-conditions.js';
import { type Condition, isConditionTrue } from '../api/resource.js';

/** Skupper's three conditions, which every AccessGrant has, then linkgrant's, which are added when they first become True. */
export type GrantConditionType =
  | 'Processed'
  | 'Resolved'
  | 'Ready'
  | 'Expired'
  | 'Exhausted'
  | 'Revoked'
  | 'ForeignController';

/** A condition to write. */
export type WantedCondition = Pick<Condition, 'status' | 'reason' | 'message'> & {
  readonly type: GrantConditionType;
};

/** The condition values that Skupper's tools expect for success. */
export const OK = { status: 'True', reason: 'Ready', message: 'OK' } as const;
/** The condition values while required information is missing. */
export const PENDING_CONDITION = { status: 'False', reason: 'Pending', message: 'Pending' } as const;

/** Returns the condition `Processed` or `Resolved` that is not True and so blocks `Ready`; undefined if there is none. */
export function blockingCondition(conditions: readonly Condition[]): Condition | undefined {
  return conditions.find(
    ({ type, status }) => status !== 'True' && (type === 'Processed' || type === 'Resolved'),
  );
}

/** The condition type and reason for each refusal of a site. */
const REFUSALS = {
  edge_site: { type: 'Processed', reason: 'Error' },
  link_access_unavailable: { type: 'Resolved', reason: 'Pending' },
  issuer_unavailable: { type: 'Resolved', reason: 'Error' },
  issuer_untrusted: { type: 'Resolved', reason: 'Error' },
} as const satisfies Record<SiteRefusal['refused'], Pick<WantedCondition, 'type' | 'reason'>>;

/** The condition of a grant whose site refuses access. */
export function refusalCondition({ refused, reason, hint }: SiteRefusal): WantedCondition {
  const message = refused === 'edge_site' ? STOCK_TEXT.edgeSite : `${reason}; ${hint}`;
  return { ...REFUSALS[refused], status: 'False', message };
}

/** The condition type and message for each state of a grant; undefined for a state that is not final. */
const END_CONDITIONS = {
  pending: undefined,
  ready: undefined,
  expired: { type: 'Expired', message: 'The expiration time of the grant has passed' },
  exhausted: { type: 'Exhausted', message: 'All allowed redemptions of the grant are used' },
  revoked: { type: 'Revoked', message: 'The grant was revoked' },
} as const satisfies Record<
  AccessGrantState,
  { readonly type: GrantConditionType; readonly message: string } | undefined
>;

/** The condition for a final state, with status True and its type as the reason; undefined for other states. */
export function endCondition(state: AccessGrantState): WantedCondition | undefined {
  const end = END_CONDITIONS[state];
  return end && { type: end.type, status: 'True', reason: end.type, message: end.message };
}

/** The types of the conditions for final states. */
export const END_TYPES = ['Expired', 'Exhausted', 'Revoked'] as const;
/** Conditions that a grant has only after they were True once. */
const OPTIONAL: readonly GrantConditionType[] = [...END_TYPES, 'ForeignController'];

/**
 * Merges the conditions `wanted` into those of a grant, as {@link mergeConditions} does. Sets linkgrant's conditions that are only
 * in `found` to False.
 */
export function mergeGrantConditions(
  found: readonly Condition[],
  wanted: readonly WantedCondition[],
  when: Parameters<typeof mergeConditions>[2],
): Condition[] {
  const outdated = OPTIONAL.filter(
    (type) => found.some((one) => one.type === type) && !wanted.some((one) => one.type === type),
  ).map((type) => ({ type, status: 'False', reason: `Not${type}`, message: '' }) as const);
  return mergeConditions(found, [...wanted, ...outdated], when);
}

const FOREIGN: WantedCondition = {
  type: 'ForeignController',
  status: 'True',
  reason: 'Rewritten',
  message:
    'Another controller repeatedly overwrites the url in this status, so linkgrant has stopped writing it: disable the grants of that controller, or linkgrant',
};

/** The conditions of a grant whose status another controller writes: unchanged, with ForeignController added. */
export function foreignConditions(
  found: readonly Condition[],
  when: Parameters<typeof mergeConditions>[2],
): readonly Condition[] {
  if (isConditionTrue(found, FOREIGN.type)) return found;
  const others = found.filter(({ type }) => type !== FOREIGN.type);
  return [...others, ...mergeConditions([], [FOREIGN], when)];
}

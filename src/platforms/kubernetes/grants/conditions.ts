import type { AccessGrantState } from '../../../domain/access-grant.js';
import { STOCK_TEXT } from '../../../domain/stock-texts.js';
import type { SiteRefusal } from '../../../redemption/ports/site.js';
import type { Condition } from '../api/resource.js';
import { timestamp } from './access-grant-resource.js';

/** Conditions that every AccessGrant has (Skupper's), then those that are there once they have been true (linkgrant's). */
export type GrantConditionType =
  | 'Processed'
  | 'Resolved'
  | 'Ready'
  | 'Expired'
  | 'Exhausted'
  | 'Revoked'
  | 'ForeignController';

/** A condition as it ought to be. */
export type WantedCondition = Pick<Condition, 'status' | 'reason' | 'message'> & {
  readonly type: GrantConditionType;
};

/** What tools of Skupper look for. */
export const OK = { status: 'True', reason: 'Ready', message: 'OK' } as const;
/** Something is not known yet, and is waited for. */
export const PENDING = { status: 'False', reason: 'Pending', message: 'Pending' } as const;

/** How a site that gives no access shows: in which condition, and with which reason. */
const REFUSALS = {
  edge_site: { type: 'Processed', reason: 'Error' },
  link_access_unavailable: { type: 'Resolved', reason: 'Pending' },
  issuer_unavailable: { type: 'Resolved', reason: 'Error' },
  issuer_untrusted: { type: 'Resolved', reason: 'Error' },
} as const satisfies Record<SiteRefusal['refused'], Pick<WantedCondition, 'type' | 'reason'>>;

/** The condition of a grant whose site gives no access. */
export function refusalCondition({ refused, reason, hint }: SiteRefusal): WantedCondition {
  const message = refused === 'edge_site' ? STOCK_TEXT.edgeSite : `${reason}; ${hint}`;
  return { ...REFUSALS[refused], status: 'False', message };
}

/** How the end of a grant shows; a state that is no end does not. */
const ENDS = {
  pending: undefined,
  ready: undefined,
  expired: { type: 'Expired', message: 'The time in which the grant can be redeemed is over' },
  exhausted: { type: 'Exhausted', message: 'Every redemption that the grant allows was made' },
  revoked: { type: 'Revoked', message: 'The grant was revoked' },
} as const satisfies Record<
  AccessGrantState,
  { readonly type: GrantConditionType; readonly message: string } | undefined
>;

/** The condition of a grant that has ended, True and with its own name as its reason; undefined for one that has not. */
export function endCondition(state: AccessGrantState): WantedCondition | undefined {
  const end = ENDS[state];
  return end && { type: end.type, status: 'True', reason: end.type, message: end.message };
}

/** Who reads conditions in order finds Skupper's first. */
const OPTIONAL: readonly GrantConditionType[] = ['Expired', 'Exhausted', 'Revoked', 'ForeignController'];

/**
 * The conditions that a resource ought to have: what is wanted in place of what is there, conditions of others left as they
 * are, and one of ours that is no longer true said to be False. Times change only where the status does.
 */
export function mergeConditions(
  found: readonly Condition[],
  wanted: readonly WantedCondition[],
  { generation, now }: { readonly generation: number; readonly now: number },
): Condition[] {
  const gone = OPTIONAL.filter(
    (type) => found.some((one) => one.type === type) && !wanted.some((one) => one.type === type),
  ).map((type) => ({ type, status: 'False', reason: `Not${type}`, message: '' }) as const);
  const all = [...wanted, ...gone];
  const changed = (before: Condition | undefined, one: WantedCondition): Condition => ({
    type: one.type,
    status: one.status,
    reason: one.reason,
    message: one.message,
    observedGeneration: generation,
    lastTransitionTime:
      before?.status === one.status ? before.lastTransitionTime : timestamp(wholeSecond(now)),
  });
  const kept = found.map((before) => {
    const one = all.find(({ type }) => type === before.type);
    return one ? changed(before, one) : before;
  });
  const added = all.filter(({ type }) => !found.some((before) => before.type === type));
  return [...kept, ...added.map((one) => changed(undefined, one))];
}

const FOREIGN: WantedCondition = {
  type: 'ForeignController',
  status: 'True',
  reason: 'Rewritten',
  message:
    'Another controller writes its own url into this status again and again, and linkgrant has stopped: turn off its grants, or linkgrant',
};

/** The conditions of a grant that another controller fills in: as they are, and that one said. */
export function foreignConditions(
  found: readonly Condition[],
  when: { readonly generation: number; readonly now: number },
): readonly Condition[] {
  const isSaid = found.some(({ type, status }) => type === FOREIGN.type && status === 'True');
  if (isSaid) return found;
  const others = found.filter(({ type }) => type !== FOREIGN.type);
  return [...others, ...mergeConditions([], [FOREIGN], when)];
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}

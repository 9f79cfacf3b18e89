import { roughDuration } from './duration.js';
import { changedLabelsAndNote, type LabelsAndNote, type LabelsAndNoteChange } from './labels-and-note.js';
import { changedPolicy, type GrantPolicy, type PolicyChange } from './policy.js';
import type { RedemptionErrorCode, Refusal } from './redemption-error.js';

/**
 * A Skupper AccessGrant in the service's store. Times are milliseconds since the epoch. Stores contain `codeHash`,
 * SHA-256(uid ‖ code), and not the code.
 */
export interface AccessGrant extends LabelsAndNote {
  /** Identity, and the last segment of the token's URL (an RFC 9562 UUID in lower case). */
  readonly uid: string;
  readonly namespace: string;
  /** Also the default name of the Links of this grant. */
  readonly name: string;
  readonly codeHash: Uint8Array;
  /** True if the user supplied the code: it may be weak, so no private key is encrypted with it. */
  readonly isUserSuppliedCode: boolean;
  readonly redemptionsAllowed: number;
  readonly redemptions: number;
  /** How long the grant can be redeemed, from when it is first Ready. */
  readonly expirationWindowMs: number;
  /** When it expires; null until the grant is first Ready, and it cannot be redeemed before. */
  readonly expirationTime: number | null;
  /** Name of the CA that signs, or null for the site's default issuer. */
  readonly issuer: string | null;
  readonly policy: GrantPolicy;
  /** Name of the file in its namespace's input directory that declares it; null for other grants. */
  readonly sourceFile: string | null;
  readonly createdAt: number;
  /** When the grant was first Ready. */
  readonly readyAt: number | null;
  readonly revokedAt: number | null;
  /** From its Kubernetes resource: why it is not Ready, or which other controller changes it. Absent in a database. */
  readonly notReadyReason?: string;
}

/** Changes to a grant; absent fields stay unchanged. */
export interface GrantChange
  extends Partial<
      Pick<AccessGrant, 'redemptionsAllowed' | 'sourceFile' | 'expirationWindowMs' | 'expirationTime'>
    >,
    LabelsAndNoteChange {
  readonly policy?: PolicyChange | undefined;
}

/** Returns a grant after a change. */
export function changedGrant(
  grant: AccessGrant,
  { policy, labels, note, ...fields }: GrantChange,
): AccessGrant {
  return {
    ...grant,
    ...fields,
    policy: changedPolicy(grant.policy, policy),
    ...changedLabelsAndNote(grant, { labels, note }),
  };
}

/** The states of a grant that has ended: it cannot be redeemed, unless an operator extends its limits. */
export const ENDED_STATES = ['expired', 'exhausted', 'revoked'] as const;

/** Every state of a grant. */
export const ACCESS_GRANT_STATES = ['pending', 'ready', ...ENDED_STATES] as const;

/** A state that {@link grantState} returns. */
export type AccessGrantState = (typeof ACCESS_GRANT_STATES)[number];

/** The fields of a grant that determine its state. */
export type GrantLimits = Pick<
  AccessGrant,
  'revokedAt' | 'expirationTime' | 'redemptions' | 'redemptionsAllowed'
>;

/** The state of a grant at `now`: the first that applies of revoked, pending, expired and exhausted, else ready. */
export function grantState(grant: GrantLimits, now: number): AccessGrantState {
  if (grant.revokedAt !== null) return 'revoked';
  if (grant.expirationTime === null) return 'pending';
  if (grant.expirationTime <= now) return 'expired';
  if (grant.redemptions >= grant.redemptionsAllowed) return 'exhausted';
  return 'ready';
}

/** Returns the state of a grant or token in words: a used-up grant is a success, which `exhausted` does not say. */
export function stateWords(state: string): string {
  return state === 'exhausted' ? 'used up' : state;
}

/** True if a grant in this state has ended. */
export function hasGrantEnded(state: AccessGrantState): boolean {
  return ENDED_STATES.some((ended) => ended === state);
}

/** Why a grant in this state cannot be redeemed. */
export const STATE_REFUSALS = {
  // The address of its site is not known yet.
  pending: 'link_access_unavailable',
  expired: 'grant_expired',
  exhausted: 'grant_exhausted',
  revoked: 'grant_revoked',
} as const satisfies Record<Exclude<AccessGrantState, 'ready'>, RedemptionErrorCode>;

/** Returns why a grant cannot be redeemed at `now`; undefined if it can. */
export function grantRefusal(grant: GrantLimits, now: number): Refusal | undefined {
  const state = grantState(grant, now);
  return state === 'ready' ? undefined : { refused: STATE_REFUSALS[state] };
}

/** How many grants are in each state. */
export function countStates(states: Iterable<AccessGrantState>): Record<AccessGrantState, number> {
  const counts = { pending: 0, ready: 0, expired: 0, exhausted: 0, revoked: 0 };
  for (const state of states) counts[state] += 1;
  return counts;
}

/**
 * Describes the requests of a grant at `now` that proved neither a code nor an identity: `3 requests with a wrong code or identity, the
 * last one 2 min ago from 192.0.2.7`. `last` is an RFC 3339 time.
 */
export function wrongCodesText(
  { count, last, peer }: { readonly count: number; readonly last: string; readonly peer: string },
  now: number,
): string {
  const when = `${roughDuration(now - Date.parse(last))} ago from ${peer}`;
  return count === 1
    ? `1 request with a wrong code or identity, ${when}`
    : `${count} requests with a wrong code or identity, the last one ${when}`;
}

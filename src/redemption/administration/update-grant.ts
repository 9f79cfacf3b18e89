import { type AccessGrant, type GrantChange, grantState } from '../../domain/access-grant.js';
import type { LabelsAndNoteChange } from '../../domain/labels-and-note.js';
import { changedPolicy, type PolicyChange } from '../../domain/policy.js';
import { matchingProblem } from '../accepting/check-policy.js';
import {
  expirationWindowProblem,
  type GrantProblem,
  notBeforeProblem,
  redemptionsAllowedProblem,
} from '../accepting/create-grant.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';

/** Changes to a grant; absent fields stay unchanged. */
export interface GrantUpdate extends LabelsAndNoteChange {
  readonly redemptionsAllowed?: number | undefined;
  /** In milliseconds, from when the grant was first Ready. */
  readonly expirationWindowMs?: number | undefined;
  readonly policy?: PolicyChange | undefined;
}

/**
 * Changes a grant, or returns why it cannot be changed. The policy can change at any time, because it also
 * applies to renewals. The window of a revoked or expired grant cannot change, and a new window must end later than now.
 */
export async function updateGrant(
  grant: AccessGrant,
  update: GrantUpdate,
  deps: { readonly store: GrantStore; readonly clock: Clock },
): Promise<AccessGrant | GrantProblem> {
  const { redemptionsAllowed = grant.redemptionsAllowed, policy } = update;
  const now = deps.clock();
  const newPolicy = changedPolicy(grant.policy, policy);
  const expirationTime = expirationTimeOf(grant, update.expirationWindowMs);
  const usesProblem = redemptionsAllowedProblem(redemptionsAllowed);
  if (usesProblem !== undefined) return { problem: usesProblem, member: 'redemptionsAllowed' };
  const invalidWindow =
    update.expirationWindowMs === undefined
      ? undefined
      : windowProblem(grant, update.expirationWindowMs, now);
  if (invalidWindow !== undefined) return { problem: invalidWindow, member: 'expirationWindow' };
  const problem =
    (policy && matchingProblem(newPolicy)) ??
    notBeforeProblem(newPolicy, expirationTime, update.expirationWindowMs ?? grant.expirationWindowMs);
  if (problem !== undefined) return { problem };
  const { expirationWindowMs, labels, note } = update;
  const change: GrantChange = {
    ...(update.redemptionsAllowed !== undefined && { redemptionsAllowed }),
    policy,
    labels,
    note,
    // The window of a grant that is not Ready yet starts when it becomes Ready, so it has no expiration time.
    ...(expirationWindowMs !== undefined && {
      expirationWindowMs,
      ...(expirationTime !== null && { expirationTime }),
    }),
  };
  await deps.store.updateGrant(grant.uid, change);
  const updated = await deps.store.findGrant(grant.uid);
  if (!updated) return { problem: `grant "${grant.name}" was deleted meanwhile` };
  // If the grant became Ready meanwhile, its expiration time was computed from the old window.
  return updated.readyAt === grant.readyAt ? updated : updateGrant(updated, update, deps);
}

function expirationTimeOf(
  { readyAt, expirationTime }: AccessGrant,
  windowMs: number | undefined,
): number | null {
  return windowMs === undefined || readyAt === null ? expirationTime : readyAt + windowMs;
}

function windowProblem(grant: AccessGrant, windowMs: number, now: number): string | undefined {
  const state = grantState(grant, now);
  if (state === 'revoked' || state === 'expired')
    return `grant "${grant.name}" has ended (${state}), and cannot be reopened`;
  const problem = expirationWindowProblem(windowMs);
  if (problem !== undefined) return problem;
  const expirationTime = expirationTimeOf(grant, windowMs);
  if (expirationTime === null || expirationTime > now) return undefined;
  return 'the window, counted from when the grant was first ready, has passed already: choose a longer one, or revoke the grant';
}

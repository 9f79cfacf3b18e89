import { type AccessGrant, type AccessGrantState, grantState } from '../../../domain/access-grant.js';
import { formatDuration } from '../../../domain/duration.js';
import type { Labels } from '../../../domain/labels-and-note.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { formatPolicySettings } from '../../accepting/policy-settings.js';

/** A grant in JSON: times are RFC 3339, `policy` has the form of `spec.settings`. */
export interface GrantReport {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly state: AccessGrantState;
  /** Why a pending grant cannot be redeemed, or a problem of a ready grant, such as a conflicting controller. */
  readonly reason?: string;
  readonly redemptions: number;
  readonly redemptionsAllowed: number;
  readonly expirationWindow: string;
  /** Absent until the grant is ready. */
  readonly expirationTime?: string;
  readonly issuer?: string;
  /** Absent without rules. */
  readonly policy?: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly revokedAt?: string;
  readonly labels: Labels;
  readonly note?: string;
}

const NOT_STARTED =
  'the service has not set it to Ready; check that the service runs, and that the site accepts links or the service has an --endpoint';

/** Returns the report of a grant at `now`. */
export function grantReport(grant: AccessGrant, now: number): GrantReport {
  const { uid, namespace, name, redemptions, redemptionsAllowed, expirationTime, createdAt, issuer } = grant;
  const policy = formatPolicySettings(grant.policy);
  const state = grantState(grant, now);
  const reason = reasonOf(grant, state);
  return {
    name,
    namespace,
    uid,
    state,
    ...(reason !== undefined && { reason }),
    redemptions,
    redemptionsAllowed,
    expirationWindow: formatDuration(grant.expirationWindowMs),
    ...(expirationTime !== null && { expirationTime: formatTime(expirationTime) }),
    ...(issuer !== null && { issuer }),
    ...(Object.keys(policy).length > 0 && { policy }),
    createdAt: formatTime(createdAt),
    ...(grant.revokedAt !== null && { revokedAt: formatTime(grant.revokedAt) }),
    labels: grant.labels,
    ...(grant.note !== null && { note: grant.note }),
  };
}

function reasonOf({ notReadyReason }: AccessGrant, state: AccessGrantState): string | undefined {
  if (state === 'pending') return notReadyReason ?? NOT_STARTED;
  return state === 'ready' ? notReadyReason : undefined;
}

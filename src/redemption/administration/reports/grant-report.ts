import { type AccessGrant, type AccessGrantState, grantState } from '../../../domain/access-grant.js';
import { formatDuration } from '../../../domain/duration.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { formatPolicySettings } from '../../accepting/policy-settings.js';
import type { Schemas } from './api-schemas.js';

/** A grant in JSON: times are RFC 3339, `policy` has the form of `spec.settings`. */
export type GrantReport = Schemas['Grant'];

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

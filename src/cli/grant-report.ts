import { type AccessGrant, grantState } from '../domain/access-grant.js';
import { formatDuration } from '../domain/duration.js';
import { formatPolicySettings } from '../redemption/policy-settings.js';
import { fields, formatTime } from './output.js';
import { policyFields } from './policy-fields.js';

/** A grant as JSON and YAML show it; times are RFC 3339, `policy` is as `spec.settings` has it. */
export function grantReport(grant: AccessGrant) {
  const { uid, namespace, name, redemptions, redemptionsAllowed, expirationTime, createdAt, issuer } = grant;
  const policy = formatPolicySettings(grant.policy);
  return {
    name,
    namespace,
    uid,
    state: grantState(grant, Date.now()),
    redemptions,
    redemptionsAllowed,
    expirationWindow: formatDuration(grant.expirationWindowMs),
    ...(expirationTime !== null && { expirationTime: formatTime(expirationTime) }),
    ...(issuer !== null && { issuer }),
    ...(Object.keys(policy).length > 0 && { policy }),
    createdAt: formatTime(createdAt),
    ...(grant.revokedAt !== null && { revokedAt: formatTime(grant.revokedAt) }),
  };
}

/** The lines that show a grant to people. */
export function grantFields(
  report: ReturnType<typeof grantReport> & {
    readonly url?: string;
    readonly signedTokens?: number;
    readonly signedTokensRevoked?: number;
  },
): string {
  const { signedTokens = 0, signedTokensRevoked = 0 } = report;
  return fields([
    ['Name', report.name],
    ['Namespace', report.namespace],
    ['State', report.state],
    ['Redemptions', `${report.redemptions} of ${report.redemptionsAllowed}`],
    ['Ends', report.expirationTime],
    ['Window', report.expirationWindow],
    ['Issuer', report.issuer],
    ...policyFields(report.policy ?? {}),
    ['Made', report.createdAt],
    ['Revoked', report.revokedAt],
    [
      'Signed tokens',
      signedTokens > 0 ? `${signedTokens}, ${signedTokensRevoked} of them revoked` : undefined,
    ],
    ['URL', report.url],
  ]);
}

import type { GrantDetail } from '../../redemption/administration/administration.js';
import type { GrantReport } from '../../redemption/administration/grant-report.js';
import { formatLabels } from '../terminal/label-flags.js';
import { fields } from '../terminal/output.js';
import { policyFields } from './policy-fields.js';

/** A grant as text output. */
export function grantFields(
  report: GrantReport & Partial<Pick<GrantDetail, 'url' | 'signedTokens' | 'signedTokensRevoked'>>,
): string {
  const { signedTokens = 0, signedTokensRevoked = 0 } = report;
  return fields([
    ['Name', report.name],
    ['Namespace', report.namespace],
    ['State', report.state],
    ['Reason', report.reason],
    ['Redemptions', `${report.redemptions} of ${report.redemptionsAllowed}`],
    ['Ends', report.expirationTime],
    ['Window', report.expirationWindow],
    ['Issuer', report.issuer],
    ...policyFields(report.policy ?? {}),
    ['Labels', formatLabels(report.labels)],
    ['Note', report.note],
    ['Made', report.createdAt],
    ['Revoked', report.revokedAt],
    [
      'Signed tokens',
      signedTokens > 0 ? `${signedTokens}, ${signedTokensRevoked} of them revoked` : undefined,
    ],
    ['URL', report.url],
  ]);
}

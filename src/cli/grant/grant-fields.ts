import { stateWords } from '../../domain/access-grant.js';
import type { GrantDetail, GrantReport } from '../../redemption/administration/reports/grant-report.js';
import { formatLabels } from '../flags/label-flags.js';
import { fields } from '../terminal/output.js';

/** Formats a grant as `label: value` lines. */
export function grantFields(
  report: GrantReport &
    Partial<Pick<GrantDetail, 'url' | 'joinLine' | 'signedTokens' | 'signedTokensRevoked'>>,
): string {
  const { signedTokens = 0, signedTokensRevoked = 0 } = report;
  return fields([
    ['Name', report.name],
    ['Namespace', report.namespace],
    ['State', stateWords(report.state)],
    ['Reason', report.reason],
    ['Redemptions', `${report.redemptions} of ${report.redemptionsAllowed}`],
    ['Expires', report.expirationTime],
    ['Window', report.expirationWindow],
    ['Issuer', report.issuer],
    ...policyFields(report.policy ?? {}),
    ['Labels', formatLabels(report.labels)],
    ['Note', report.note],
    ['Created', report.createdAt],
    ['Revoked', report.revokedAt],
    [
      'Signed tokens',
      signedTokens > 0 ? `${signedTokens}, ${signedTokensRevoked} of them revoked` : undefined,
    ],
    ['URL', report.url],
    ['Join line', report.joinLine],
    ['', report.joinLine && 'no secret: `linkgrant join LINE --identity-token-file FILE` on each site'],
  ]);
}

const LABELS: Readonly<Record<string, string>> = {
  'linkgrant/subjects': 'Subjects',
  'linkgrant/names': 'Link names',
  'linkgrant/source-cidrs': 'Redeemed from',
  'linkgrant/key-types': 'Key types',
  'linkgrant/endpoint-roles': 'Endpoint roles',
  'linkgrant/certificate-lifetime': 'Lifetime',
  'linkgrant/csr-required': 'CSR required',
  'linkgrant/not-before': 'Begins',
  'linkgrant/identities': 'Identities',
  'linkgrant/identity-uses': 'Uses of each',
  'linkgrant/identity-required': 'Identity required',
};

/** Returns the labels and values of policy settings for text output; an empty value is `none`. */
export function policyFields(settings: Readonly<Record<string, string>>): (readonly [string, string])[] {
  return Object.entries(settings).map(([key, value]) => [LABELS[key] ?? key, value === '' ? 'none' : value]);
}

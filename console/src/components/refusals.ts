import type { Api } from '../api/client.js';

/** What a refusal means for the operator, and what to do if the grant is not known; `adviceOn` is more exact. */
export interface Refusal {
  readonly title: string;
  readonly remedy: string;
}

const REISSUE = 'Issue a new token for the site.';
const SEE_RULES = 'The page of the grant shows the rule, and how to change it.';

/** A code that is never recorded: the service refuses before it has verified the code or key, or cannot serve the request now. */
type UnrecordedCode =
  | 'code_wrong'
  | 'grant_unknown'
  | 'key_mismatch'
  | 'subject_invalid'
  | 'body_invalid'
  | 'body_too_large'
  | 'body_timeout'
  | 'method_not_allowed'
  | 'renewal_invalid'
  | 'renewal_refused'
  | 'provider_unavailable'
  | 'overloaded'
  | 'store_unavailable'
  | 'internal';

/** A code that refuses only renewals. */
type RenewalCode =
  | 'renewal_stale'
  | 'renewal_expired'
  | 'superseded'
  | 'site_replaced'
  | 'redemption_replaced';

const REDEMPTION_REFUSALS = {
  grant_expired: { title: 'The grant has expired', remedy: 'Create a new grant for the site.' },
  grant_revoked: {
    title: 'The grant is revoked',
    remedy: 'If the site is to join, create a new grant for it.',
  },
  grant_exhausted: {
    title: 'The grant is used up',
    remedy: 'Allow more sites on the page of the grant, or create a new grant for the site.',
  },
  code_expired: { title: 'The token has expired', remedy: REISSUE },
  code_revoked: {
    title: 'The token is revoked',
    remedy: 'The token was revoked. If the site is to join, issue a new token for it.',
  },
  code_exhausted: { title: 'The token is used up', remedy: REISSUE },
  policy_subject: {
    title: 'The subject is not allowed',
    remedy: 'The page of the grant shows whether a rule or the token excludes the subject, and what to do.',
  },
  policy_name: { title: 'The link name is not allowed', remedy: SEE_RULES },
  policy_source: { title: 'The source address is not allowed', remedy: SEE_RULES },
  policy_key: { title: 'The key type is not allowed', remedy: SEE_RULES },
  policy_csr_required: {
    title: 'The site did not generate its key itself',
    remedy: 'Let the site redeem its token with linkgrant, which generates the key.',
  },
  policy_identity_required: {
    title: 'The grant is only for identities',
    remedy: 'Let the site join with its identity, or issue a token for its certificate request.',
  },
  not_yet_valid: {
    title: 'The grant or token is not valid yet',
    remedy: 'Wait until it is valid. The site can then repeat the request.',
  },
  link_access_unavailable: {
    title: 'This site accepts no links',
    remedy: 'Enable link access, or start the service with --endpoint.',
  },
  edge_site: {
    title: 'This site is an edge site',
    remedy: 'Edge sites accept no links. Use an interior site.',
  },
  issuer_unavailable: {
    title: 'The CA cannot sign',
    remedy: 'Check the CA of the grant with `linkgrant issuer list`.',
  },
  issuer_untrusted: {
    title: 'The router does not trust the CA',
    remedy: 'Let the router trust the CA: `linkgrant issuer trust NAME`.',
  },
  csr_invalid: { title: 'The certificate request is not valid', remedy: 'Update the client of the site.' },
  key_weak: {
    title: 'The key of the site is too weak',
    remedy: 'Use P-256, P-384 or RSA with at least 2048 bits.',
  },
  name_invalid: {
    title: 'The link name is not valid',
    remedy: 'Let the site redeem with --name and a shorter name of lower-case letters, digits and hyphens.',
  },
  repeated_redemption: {
    title: 'The site redeems too often',
    remedy:
      'Check on the site why its controller does not store the link. Nothing was counted for this request.',
  },
  redemption_revoked: {
    title: 'The link is revoked',
    remedy: 'An operator revoked the link of this site. Do nothing, unless the site is to join again.',
  },
} as const satisfies Record<Exclude<Api['RefusalCode'], UnrecordedCode | RenewalCode>, Refusal>;

const RENEWAL_REFUSALS = {
  renewal_stale: {
    title: 'The clock of the site is wrong',
    remedy: 'The site signs again with the time of the service. Synchronize its clock.',
  },
  renewal_expired: { title: 'The certificate expired too long ago to renew it', remedy: REISSUE },
  superseded: {
    title: 'A replaced certificate was presented for renewal',
    remedy: 'Another party may have a copy of the link. If so, revoke the link and issue a new token.',
  },
  site_replaced: { title: 'The accepting site was replaced', remedy: REISSUE },
  redemption_replaced: {
    title: 'The link was replaced',
    remedy:
      'Let the site delete this link: it has a new one. If it has none, issue a new token for the new link.',
  },
} as const satisfies Record<RenewalCode, Refusal>;

/** The meaning of a code that refuses a redemption; undefined for another text, such as `redeemed`. */
export function redemptionRefusalOf(code: string): Refusal | undefined {
  const refusals: Readonly<Record<string, Refusal>> = REDEMPTION_REFUSALS;
  return Object.hasOwn(refusals, code) ? refusals[code] : undefined;
}

/** The meaning of a code that refuses a redemption or a renewal; undefined for another text. */
export function refusalOf(code: string): Refusal | undefined {
  const renewals: Readonly<Record<string, Refusal>> = RENEWAL_REFUSALS;
  return redemptionRefusalOf(code) ?? (Object.hasOwn(renewals, code) ? renewals[code] : undefined);
}

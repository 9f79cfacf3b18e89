import { OWN_KEY_TYPE } from '../../../src/domain/policy.js';
import { operand } from '../../../src/domain/shell-words.js';
import type { Api } from '../api/client.js';

/** What a refusal means for the operator, and what to do. */
export interface Refusal {
  readonly title: string;
  readonly remedy: string;
  /** Returns the flags of `grant update` that let a grant with this policy allow the request. */
  readonly change?: (policy: Api['Policy']) => readonly string[];
}

const REISSUE = 'Issue a new token for the site.';

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
  grant_expired: { title: 'The grant has expired', remedy: 'Create a new grant with more time.' },
  grant_revoked: { title: 'The grant is revoked', remedy: 'Create a new grant if the site is to join.' },
  grant_exhausted: {
    title: 'The grant is used up',
    remedy: 'Allow more sites, or create a new grant.',
    change: () => ['--redemptions-allowed', 'COUNT'],
  },
  code_expired: { title: 'The token has expired', remedy: REISSUE },
  code_revoked: { title: 'The token is revoked', remedy: REISSUE },
  code_exhausted: { title: 'The token is used up', remedy: 'Issue one token for each site.' },
  policy_subject: {
    title: 'The subject is not allowed',
    remedy:
      'Issue a token for the subject of the site, or let the site redeem with --subject and an allowed one.',
  },
  policy_name: {
    title: 'The link name is not allowed',
    remedy: 'Let the site redeem with --name and an allowed name.',
  },
  policy_source: {
    title: 'The source address is not allowed',
    remedy: 'Add the address of the site to the rules of the grant.',
    change: (policy) => ['--source-cidrs', `${policy['linkgrant/source-cidrs'] || 'CIDRS'},ADDRESS`],
  },
  policy_key: {
    title: 'The key type is not allowed',
    remedy: `Change the rule for key types of the grant. The keys of linkgrant itself are ${OWN_KEY_TYPE}.`,
    change: (policy) => ['--key-types', keyTypes(policy)],
  },
  policy_csr_required: {
    title: 'The site did not generate its key itself',
    remedy: 'Redeem with linkgrant on the site, or remove the rule from the grant.',
    change: () => ['--unset', 'csr-required'],
  },
  policy_identity_required: {
    title: 'The grant is only for identities',
    remedy:
      'Let the site join with its identity, or issue a token for its request, or remove the rule from the grant.',
    change: () => ['--unset', 'identity-required'],
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
  redemption_revoked: { title: 'The link is revoked', remedy: REISSUE },
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

/**
 * The command that lets a grant allow what it has refused with this code; undefined if a change of the grant does not help. If the
 * grant is not known, its name is a placeholder.
 */
export function grantChange(code: string, grant?: Api['Grant']): readonly string[] | undefined {
  const change = redemptionRefusalOf(code)?.change;
  const { name = 'NAME', namespace = 'NAMESPACE', policy = {} } = grant ?? {};
  return change && ['grant', 'update', operand(name), '--namespace', namespace, ...change(policy)];
}

function keyTypes(policy: Api['Policy']): string {
  const allowed = policy['linkgrant/key-types'] || 'TYPES';
  return `${allowed},${allowed.includes(OWN_KEY_TYPE) ? 'TYPE' : OWN_KEY_TYPE}`;
}

/** What a refusal means for the operator, and what to do. */
export interface Refusal {
  readonly title: string;
  readonly remedy: string;
}

const REISSUE = 'Issue a new token for the site.';
const LATER = 'The site can repeat the request; nothing was counted.';

const REFUSALS: Readonly<Record<string, Refusal>> = {
  code_wrong: {
    title: 'The code is wrong',
    remedy: 'The token was changed or cut off on its way. Send it again, unchanged.',
  },
  grant_expired: { title: 'The grant has expired', remedy: 'Create a new grant with more time.' },
  grant_revoked: { title: 'The grant is revoked', remedy: 'Create a new grant if the site is to join.' },
  grant_exhausted: {
    title: 'The grant is used up',
    remedy: 'Allow more sites with `linkgrant grant update`, or create a new grant.',
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
  },
  policy_key: { title: 'The key type is not allowed', remedy: 'Change the rule for key types of the grant.' },
  policy_csr_required: {
    title: 'The site did not generate its key itself',
    remedy: 'Redeem with linkgrant on the site, or remove the rule from the grant.',
  },
  not_yet_valid: {
    title: 'The grant has not begun',
    remedy: 'Wait until it begins. The site can then repeat the request.',
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
  repeated_redemption: { title: 'The same request is being answered', remedy: LATER },
  overloaded: { title: 'The service is overloaded', remedy: LATER },
  store_unavailable: { title: 'The store does not answer', remedy: LATER },
  redemption_revoked: { title: 'The link is revoked', remedy: REISSUE },
};

/** The meaning of a refusal code; undefined for another text, such as `redeemed`. */
export function refusalOf(code: string): Refusal | undefined {
  return REFUSALS[code];
}

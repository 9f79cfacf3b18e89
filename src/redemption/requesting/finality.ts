import type { ClientErrorCode, RedemptionError, RedemptionErrorCode } from '../../domain/redemption-error.js';
import { PerhapsSpent } from './post-token.js';

/** What trying again by itself can do about a failure of the requesting side. */
export type Finality =
  /** Nothing: the service said so, and will say so again. */
  | 'refused'
  /** Nothing, whoever is asked, until the token or what is wanted of it is another. */
  | 'unusable'
  /** Harm: a use may be spent, and another one would be. Somebody has to decide. */
  | 'undecided'
  /** It may help, and spends nothing. */
  | 'passing';

const FINALITY = {
  code_wrong: 'refused',
  grant_unknown: 'refused',
  grant_expired: 'refused',
  grant_revoked: 'refused',
  grant_exhausted: 'refused',
  code_expired: 'refused',
  code_revoked: 'refused',
  code_exhausted: 'refused',
  policy_subject: 'refused',
  policy_name: 'refused',
  policy_source: 'refused',
  policy_key: 'refused',
  policy_csr_required: 'refused',
  csr_invalid: 'refused',
  key_weak: 'refused',
  name_invalid: 'refused',
  subject_invalid: 'refused',
  body_invalid: 'refused',
  body_too_large: 'refused',
  body_timeout: 'passing',
  method_not_allowed: 'refused',
  link_access_unavailable: 'passing',
  edge_site: 'passing',
  issuer_unavailable: 'passing',
  issuer_untrusted: 'passing',
  not_yet_valid: 'passing',
  repeated_redemption: 'passing',
  renewal_invalid: 'refused',
  renewal_refused: 'refused',
  renewal_stale: 'passing',
  renewal_expired: 'refused',
  superseded: 'refused',
  site_replaced: 'refused',
  redemption_revoked: 'refused',
  overloaded: 'passing',
  store_unavailable: 'passing',
  internal: 'passing',
  dns: 'passing',
  // A name may come to lead elsewhere, and who runs the program may allow the network.
  address_refused: 'passing',
  connection_refused: 'passing',
  connection_timeout: 'passing',
  proxy: 'passing',
  clock_skew: 'passing',
  outcome_unknown: 'undecided',
  // What answers at the URL may be a stand-in: an ingress whose backend starts, a certificate about to be put in place.
  tls_untrusted: 'passing',
  tls_name: 'passing',
  not_https: 'passing',
  redirect: 'passing',
  service_unavailable: 'passing',
  // The same key gets the same certificate, so looking again costs no use.
  answer_invalid: 'passing',
  other_name: 'unusable',
  server_generated_key: 'unusable',
  token_invalid: 'unusable',
  not_writable: 'passing',
  // Judged here: the clock may be wrong, and a link that ended may yet be renewed.
  link_ended: 'passing',
  // Somebody may move it away.
  place_taken: 'passing',
  busy: 'passing',
  cluster_unavailable: 'passing',
} as const satisfies Record<RedemptionErrorCode | ClientErrorCode, Finality>;

/** The one answer to whether a redemption, or a renewal, that failed so is tried again by itself. */
export function finalityOf(error: RedemptionError): Finality {
  return error instanceof PerhapsSpent ? 'undecided' : FINALITY[error.code];
}

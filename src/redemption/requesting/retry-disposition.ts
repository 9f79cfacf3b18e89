import type { ClientErrorCode, RedemptionError, RedemptionErrorCode } from '../../domain/redemption-error.js';
import { PerhapsSpent } from './post-token.js';

/** Whether an automatic retry can help after a failure of the requesting side. */
export type RetryDisposition =
  /** A retry cannot help: the service refuses the request each time. */
  | 'rejected'
  /** A retry cannot help at any service until the token or the request changes. */
  | 'invalid'
  /** A retry may use up another use of the grant. The operator has to decide. */
  | 'unknown'
  /** A retry may help, and uses up nothing. */
  | 'transient';

const DISPOSITIONS = {
  code_wrong: 'rejected',
  grant_unknown: 'rejected',
  grant_expired: 'rejected',
  grant_revoked: 'rejected',
  grant_exhausted: 'rejected',
  code_expired: 'rejected',
  code_revoked: 'rejected',
  code_exhausted: 'rejected',
  policy_subject: 'rejected',
  policy_name: 'rejected',
  policy_source: 'rejected',
  policy_key: 'rejected',
  policy_csr_required: 'rejected',
  csr_invalid: 'rejected',
  key_weak: 'rejected',
  name_invalid: 'rejected',
  subject_invalid: 'rejected',
  body_invalid: 'rejected',
  body_too_large: 'rejected',
  body_timeout: 'transient',
  method_not_allowed: 'rejected',
  link_access_unavailable: 'transient',
  edge_site: 'transient',
  issuer_unavailable: 'transient',
  issuer_untrusted: 'transient',
  not_yet_valid: 'transient',
  repeated_redemption: 'transient',
  renewal_invalid: 'rejected',
  renewal_refused: 'rejected',
  renewal_stale: 'transient',
  renewal_expired: 'rejected',
  superseded: 'rejected',
  site_replaced: 'rejected',
  redemption_revoked: 'rejected',
  overloaded: 'transient',
  store_unavailable: 'transient',
  internal: 'transient',
  dns: 'transient',
  // DNS may change, or the operator may allow the network.
  address_refused: 'transient',
  connection_refused: 'transient',
  connection_timeout: 'transient',
  proxy: 'transient',
  clock_skew: 'transient',
  outcome_unknown: 'unknown',
  // The peer may be a substitute: an ingress whose backend starts, or a certificate that is about to be replaced.
  tls_untrusted: 'transient',
  tls_name: 'transient',
  not_https: 'transient',
  redirect: 'transient',
  service_unavailable: 'transient',
  // The same key gets the same certificate, so a retry spends no use.
  answer_invalid: 'transient',
  other_name: 'invalid',
  server_generated_key: 'invalid',
  token_invalid: 'invalid',
  not_writable: 'transient',
  // This side detected the failure: its clock may be wrong, and an expired link may still be renewed.
  link_ended: 'transient',
  // The resource may be moved.
  place_taken: 'transient',
  busy: 'transient',
  cluster_unavailable: 'transient',
} as const satisfies Record<RedemptionErrorCode | ClientErrorCode, RetryDisposition>;

/** The disposition of a failed redemption or renewal. */
export function retryDisposition(error: RedemptionError): RetryDisposition {
  return error instanceof PerhapsSpent ? 'unknown' : DISPOSITIONS[error.code];
}

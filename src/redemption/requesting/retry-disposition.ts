import {
  type ClientErrorCode,
  RedemptionError,
  type RedemptionErrorCode,
} from '../../domain/redemption-error.js';
import { PossiblyCountedError, RefusedAfterLossError } from './post-token.js';

/** Whether an automatic retry can help after a failure of the requesting side. */
export type RetryDisposition =
  /** A retry cannot help: the service would refuse the same request again. */
  | 'rejected'
  /** A retry cannot help: this side would reject the same token, request or response again. */
  | 'invalid'
  /** A retry may count another use of the grant. The operator has to decide. */
  | 'unknown'
  /** A retry may help, and counts no further use. */
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
  key_mismatch: 'rejected',
  policy_subject: 'rejected',
  policy_name: 'rejected',
  policy_source: 'rejected',
  policy_key: 'rejected',
  policy_csr_required: 'rejected',
  policy_identity_required: 'rejected',
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
  redemption_replaced: 'rejected',
  provider_unavailable: 'transient',
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
  // Another server may have answered, such as an ingress whose backend is starting; or the certificate of the service is about
  // to be replaced.
  tls_untrusted: 'transient',
  tls_name: 'transient',
  not_https: 'transient',
  redirect: 'transient',
  service_unavailable: 'transient',
  // The same key gets the same certificate, so a retry counts no further use.
  answer_invalid: 'transient',
  other_name: 'invalid',
  server_generated_key: 'invalid',
  token_invalid: 'invalid',
  key_missing: 'invalid',
  identity_missing: 'transient',
  identity_audience: 'invalid',
  // The operator may permit the identity later, or the service may not have the keys of the provider yet.
  identity_refused: 'transient',
  not_writable: 'transient',
  // The clock of this side may be wrong, and an expired link can still be renewed.
  link_ended: 'transient',
  // The operator may remove the resource.
  place_taken: 'transient',
  busy: 'transient',
  cluster_unavailable: 'transient',
} as const satisfies Record<RedemptionErrorCode | ClientErrorCode, RetryDisposition>;

/** Returns whether an automatic retry of a failed redemption or renewal can help. */
export function retryDisposition(error: RedemptionError): RetryDisposition {
  return error instanceof PossiblyCountedError ? 'unknown' : DISPOSITIONS[error.code];
}

/**
 * True if a failure proves that no certificate was or will be issued for a key that is new in this run. That needs a refusal
 * after a single posting: the service may still be processing a posting whose response was lost.
 */
export function isKeyUnused(error: unknown): boolean {
  if (!(error instanceof RedemptionError) || error instanceof RefusedAfterLossError) return false;
  return retryDisposition(error) === 'rejected';
}

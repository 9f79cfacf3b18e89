import {
  type ClientErrorCode,
  RedemptionError,
  type RedemptionErrorCode,
} from '../../../domain/redemption-error.js';
import { PerhapsSpent } from '../../../redemption/post-token.js';
import type { TokenReason, TokenState } from './access-token-resource.js';

type FailureReason = Extract<TokenReason, 'Refused' | 'OutcomeUnknown' | 'Error'>;

/** What becomes of a token whose redemption met each code: what the service said for good is not asked again. */
const REASONS = {
  code_wrong: 'Refused',
  grant_unknown: 'Refused',
  grant_expired: 'Refused',
  grant_revoked: 'Refused',
  grant_exhausted: 'Refused',
  code_expired: 'Refused',
  code_revoked: 'Refused',
  code_exhausted: 'Refused',
  policy_subject: 'Refused',
  policy_name: 'Refused',
  policy_source: 'Refused',
  policy_key: 'Refused',
  policy_csr_required: 'Refused',
  csr_invalid: 'Refused',
  key_weak: 'Refused',
  name_invalid: 'Refused',
  subject_invalid: 'Refused',
  body_invalid: 'Refused',
  body_too_large: 'Refused',
  body_timeout: 'Error',
  method_not_allowed: 'Refused',
  link_access_unavailable: 'Error',
  edge_site: 'Error',
  issuer_unavailable: 'Error',
  issuer_untrusted: 'Error',
  not_yet_valid: 'Error',
  repeated_redemption: 'Error',
  renewal_invalid: 'Refused',
  renewal_refused: 'Refused',
  renewal_stale: 'Error',
  renewal_expired: 'Refused',
  superseded: 'Refused',
  site_replaced: 'Refused',
  redemption_revoked: 'Refused',
  overloaded: 'Error',
  store_unavailable: 'Error',
  internal: 'Error',
  dns: 'Error',
  address_refused: 'Error',
  connection_refused: 'Error',
  connection_timeout: 'Error',
  proxy: 'Error',
  clock_skew: 'Error',
  outcome_unknown: 'OutcomeUnknown',
  // What answers at the URL may be a stand-in: an ingress whose backend starts, a certificate about to be put in place.
  tls_untrusted: 'Error',
  tls_name: 'Error',
  not_https: 'Error',
  redirect: 'Error',
  service_unavailable: 'Error',
  // The same key gets the same certificate, so looking again costs no use.
  answer_invalid: 'Error',
  other_name: 'Refused',
  token_invalid: 'Refused',
  not_writable: 'Error',
  link_ended: 'Refused',
  // Somebody may move it away.
  place_taken: 'Error',
  busy: 'Error',
  cluster_unavailable: 'Error',
} as const satisfies Record<RedemptionErrorCode | ClientErrorCode, FailureReason>;

const DECISION =
  'Delete this AccessToken and redeem a new one, or have it posted once more with linkgrant token redeem --retry.';

/** The failure, without the names that a stranger has had written into a certificate. */
export function inOwnWords(error: RedemptionError): RedemptionError {
  if (error.code !== 'tls_name') return error;
  return new RedemptionError(
    'tls_name',
    'The certificate of the server at the URL is not for the host of the URL.',
  );
}

/** What is to be said of a token whose redemption failed so. */
export function failedState(error: RedemptionError): TokenState & { readonly reason: FailureReason } {
  const reason = error instanceof PerhapsSpent ? 'OutcomeUnknown' : REASONS[error.code];
  const message = reason === 'OutcomeUnknown' ? `${error.message} ${DECISION}` : error.message;
  return { redeemed: false, reason, message };
}

// A wrong code has led to nothing, and to a key that was answered before the answer would have come again.
const UNUSED: ReadonlySet<string> = new Set(['code_wrong', 'grant_exhausted', 'code_exhausted']);

/** True where the service said that the key of the redemption has led to nothing, and will not. */
export function isKeyUnused({ code }: RedemptionError): boolean {
  return UNUSED.has(code);
}

/** True where asking for the renewal of a link can only be refused again. */
export function isRefusedForGood(error: unknown): boolean {
  return error instanceof RedemptionError && REASONS[error.code] === 'Refused';
}

import { RedemptionError } from '../../../domain/redemption-error.js';
import { type RetryDisposition, retryDisposition } from '../../../redemption/requesting/retry-disposition.js';
import type { TokenReason, TokenState } from './access-token-resource.js';

type FailureReason = Extract<TokenReason, 'Refused' | 'OutcomeUnknown' | 'Error'>;

/** What a token says of a failure: what cannot come right by itself is not asked again. */
const REASONS = {
  rejected: 'Refused',
  invalid: 'Refused',
  unknown: 'OutcomeUnknown',
  transient: 'Error',
} as const satisfies Record<RetryDisposition, FailureReason>;

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
  const reason = REASONS[retryDisposition(error)];
  const message = reason === 'OutcomeUnknown' ? `${error.message} ${DECISION}` : error.message;
  return { redeemed: false, reason, message };
}

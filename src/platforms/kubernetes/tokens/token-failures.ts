import { RedemptionError } from '../../../domain/redemption-error.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { type RetryDisposition, retryDisposition } from '../../../redemption/requesting/retry-disposition.js';
import type { TokenReason, TokenState } from './access-token-resource.js';

type FailureReason = Extract<TokenReason, 'Refused' | 'OutcomeUnknown' | 'Error'>;

/** The reason in the status of a token for each retry disposition; only `Error` is retried. */
const REASONS = {
  rejected: 'Refused',
  invalid: 'Refused',
  unknown: 'OutcomeUnknown',
  transient: 'Error',
} as const satisfies Record<RetryDisposition, FailureReason>;

const HINT_OUTCOME_UNKNOWN =
  'Delete this AccessToken and redeem a new one, or post this one again with linkgrant token redeem --retry.';

/** Removes from an error the names that the owner of an untrusted certificate chose. */
export function sanitizeError(error: RedemptionError): RedemptionError {
  if (error.code !== 'tls_name') return error;
  return new RedemptionError(
    'tls_name',
    'The certificate of the server at the URL is not for the host of the URL.',
  );
}

/** The error for the servers that the tokens or links of a namespace lead to, while they have to wait until `retryAt`. */
export function serversTooSlow(retryAt: number): RedemptionError {
  return new RedemptionError(
    'overloaded',
    `The servers of this namespace's tokens and links take too much processor time. The next attempt is at ${formatTime(retryAt)}.`,
  );
}

/** The state of a token whose redemption failed with this error. */
export function failedState(error: RedemptionError): TokenState & { readonly reason: FailureReason } {
  const reason = REASONS[retryDisposition(error)];
  const message = reason === 'OutcomeUnknown' ? `${error.message} ${HINT_OUTCOME_UNKNOWN}` : error.message;
  return { redeemed: false, reason, message };
}

import * as oauth from 'oauth4webapi';

/** True if the provider no longer accepts a refresh token (RFC 6749 §5.2). */
export function isInvalidGrant(error: unknown): boolean {
  return error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant';
}

// RFC 6749 §4.1.2.1
const TEMPORARY_ERRORS: readonly string[] = ['server_error', 'temporarily_unavailable'];

// Codes of a response that does not come from an OIDC provider, such as the page of a proxy.
const FOREIGN_RESPONSES: readonly unknown[] = [
  oauth.RESPONSE_IS_NOT_CONFORM,
  oauth.RESPONSE_IS_NOT_JSON,
  oauth.PARSE_ERROR,
];

/** True if the provider refused, or if the callback or a response is not valid; false if the provider does not work now. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof oauth.AuthorizationResponseError) return !TEMPORARY_ERRORS.includes(error.error);
  if (error instanceof oauth.ResponseBodyError)
    return error.status !== 429 && !TEMPORARY_ERRORS.includes(error.error);
  return error instanceof oauth.OperationProcessingError && !FOREIGN_RESPONSES.includes(error.code);
}

import type { RedemptionErrorCode } from '../domain/redemption-error.js';

/** How a refusal looks on the wire: its status, and the text that stock clients show to people. */
export interface WireRefusal {
  readonly status: 400 | 403 | 404 | 405 | 408 | 413 | 500 | 503;
  /** Body of the `text/plain` answer, without its newline (Skupper's own text where it has one). */
  readonly text: string;
}

const REFUSED = 'Redemption of access token refused';
const NO_CLAIM = 'No such claim';
const NO_GRANT_LEFT = 'No such access granted';
const BODY_NOT_VALID = 'Request body not valid';
const INTERNAL = 'Internal error';

const WIRE = {
  code_wrong: { status: 403, text: REFUSED },
  grant_unknown: { status: 404, text: NO_CLAIM },
  grant_expired: { status: 404, text: NO_CLAIM },
  grant_revoked: { status: 404, text: NO_CLAIM },
  grant_exhausted: { status: 404, text: NO_GRANT_LEFT },
  code_expired: { status: 404, text: NO_CLAIM },
  code_revoked: { status: 404, text: NO_CLAIM },
  code_exhausted: { status: 404, text: NO_GRANT_LEFT },
  policy_subject: { status: 403, text: REFUSED },
  policy_name: { status: 403, text: REFUSED },
  policy_source: { status: 403, text: REFUSED },
  policy_key: { status: 403, text: REFUSED },
  policy_csr_required: { status: 403, text: REFUSED },
  csr_invalid: { status: 400, text: BODY_NOT_VALID },
  key_weak: { status: 400, text: BODY_NOT_VALID },
  name_invalid: { status: 400, text: BODY_NOT_VALID },
  subject_invalid: { status: 400, text: BODY_NOT_VALID },
  body_invalid: { status: 400, text: BODY_NOT_VALID },
  body_too_large: { status: 413, text: BODY_NOT_VALID },
  body_timeout: { status: 408, text: BODY_NOT_VALID },
  method_not_allowed: { status: 405, text: 'Only POST is supported' },
  link_access_unavailable: { status: 503, text: 'No valid endpoints found for site' },
  edge_site: { status: 503, text: 'Edge sites cannot accept incoming links from remote sites' },
  issuer_unavailable: { status: 503, text: 'Could not get issuer for requested certificate' },
  issuer_untrusted: { status: 503, text: 'Could not get issuer for requested certificate' },
  not_yet_valid: { status: 503, text: INTERNAL },
  repeated_redemption: { status: 503, text: INTERNAL },
  overloaded: { status: 503, text: INTERNAL },
  store_unavailable: { status: 503, text: INTERNAL },
  internal: { status: 500, text: INTERNAL },
} as const satisfies Record<RedemptionErrorCode, WireRefusal>;

/** Every code that the service refuses with, in the order of the table. */
export const REFUSAL_CODES = Object.keys(WIRE) as readonly RedemptionErrorCode[];

/** The status and text of a refusal (design of the wire, Skupper's texts). */
export function wireRefusal(code: RedemptionErrorCode): WireRefusal {
  return WIRE[code];
}

/** An RFC 9457 problem; `code` is stable, and `about:blank` means that the title is all there is to the type. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: RedemptionErrorCode;
}

/** The same refusal as {@link wireRefusal} for a client that accepts `application/problem+json`. */
export function problemOf(code: RedemptionErrorCode): Problem {
  const { status, text } = WIRE[code];
  return { type: 'about:blank', title: text, status, code };
}

import type { RedemptionErrorCode } from '../domain/redemption-error.js';
import { STOCK_TEXT } from '../domain/stock-texts.js';

/** A refusal on the wire: its status, and the text that stock clients print. */
export type WireRefusal = {
  /** Body of the `text/plain` response, without its newline (Skupper's text if it has one). */
  readonly text: string;
} & (
  | { readonly status: 400 | 403 | 404 | 405 | 408 | 409 | 413 | 500; readonly retryAfterS?: undefined }
  /** `Retry-After` in seconds, if the refusal has none of its own. */
  | { readonly status: 503; readonly retryAfterS: number }
);

const SHORT_RETRY_S = 5;
// While a site accepts no links: long enough to start the site, short enough for a waiting client.
const SITE_RETRY_S = 30;

// Skupper has no text for this, because it renews no certificates.
const RENEWAL_REFUSED = 'Renewal of link certificate refused';

// Skupper has no text for this, and its clients show the text to their user.
const KEY_MISMATCH = 'Token is bound to a key: redeem it with linkgrant join where the request was made';

const WIRE = {
  code_wrong: { status: 403, text: STOCK_TEXT.refused },
  grant_unknown: { status: 404, text: STOCK_TEXT.noClaim },
  grant_expired: { status: 404, text: STOCK_TEXT.noClaim },
  grant_revoked: { status: 404, text: STOCK_TEXT.noClaim },
  grant_exhausted: { status: 404, text: STOCK_TEXT.noGrantLeft },
  code_expired: { status: 404, text: STOCK_TEXT.noClaim },
  code_revoked: { status: 404, text: STOCK_TEXT.noClaim },
  code_exhausted: { status: 404, text: STOCK_TEXT.noGrantLeft },
  key_mismatch: { status: 403, text: KEY_MISMATCH },
  policy_subject: { status: 403, text: STOCK_TEXT.refused },
  policy_name: { status: 403, text: STOCK_TEXT.refused },
  policy_source: { status: 403, text: STOCK_TEXT.refused },
  policy_key: { status: 403, text: STOCK_TEXT.refused },
  policy_csr_required: { status: 403, text: STOCK_TEXT.refused },
  policy_identity_required: { status: 403, text: STOCK_TEXT.refused },
  csr_invalid: { status: 400, text: STOCK_TEXT.bodyNotValid },
  key_weak: { status: 400, text: STOCK_TEXT.bodyNotValid },
  name_invalid: { status: 400, text: STOCK_TEXT.bodyNotValid },
  subject_invalid: { status: 400, text: STOCK_TEXT.bodyNotValid },
  body_invalid: { status: 400, text: STOCK_TEXT.bodyNotValid },
  body_too_large: { status: 413, text: STOCK_TEXT.bodyNotValid },
  body_timeout: { status: 408, text: STOCK_TEXT.bodyNotValid },
  method_not_allowed: { status: 405, text: STOCK_TEXT.postOnly },
  link_access_unavailable: { status: 503, text: STOCK_TEXT.noEndpoints, retryAfterS: SITE_RETRY_S },
  edge_site: { status: 503, text: STOCK_TEXT.edgeSite, retryAfterS: SITE_RETRY_S },
  issuer_unavailable: { status: 503, text: STOCK_TEXT.noIssuer, retryAfterS: SITE_RETRY_S },
  issuer_untrusted: { status: 503, text: STOCK_TEXT.noIssuer, retryAfterS: SITE_RETRY_S },
  not_yet_valid: { status: 503, text: STOCK_TEXT.internal, retryAfterS: SHORT_RETRY_S },
  repeated_redemption: { status: 503, text: STOCK_TEXT.internal, retryAfterS: SHORT_RETRY_S },
  renewal_invalid: { status: 400, text: STOCK_TEXT.bodyNotValid },
  renewal_refused: { status: 403, text: RENEWAL_REFUSED },
  renewal_stale: { status: 403, text: 'Renewal request out of date' },
  renewal_expired: { status: 403, text: RENEWAL_REFUSED },
  superseded: { status: 409, text: 'Certificate superseded' },
  site_replaced: { status: 403, text: RENEWAL_REFUSED },
  redemption_revoked: { status: 404, text: STOCK_TEXT.noClaim },
  redemption_replaced: { status: 403, text: RENEWAL_REFUSED },
  provider_unavailable: { status: 503, text: STOCK_TEXT.internal, retryAfterS: SHORT_RETRY_S },
  overloaded: { status: 503, text: STOCK_TEXT.internal, retryAfterS: SHORT_RETRY_S },
  store_unavailable: { status: 503, text: STOCK_TEXT.internal, retryAfterS: SHORT_RETRY_S },
  internal: { status: 500, text: STOCK_TEXT.internal },
} as const satisfies Record<RedemptionErrorCode, WireRefusal>;

/** All refusal codes of the service, in the order of the table. */
export const REFUSAL_CODES = Object.keys(WIRE) as readonly RedemptionErrorCode[];

/** The kind of a refused request; `redemption` also for a check. */
export type RefusedRoute = 'redemption' | 'renewal';

const REVOKED_RENEWAL: WireRefusal = { status: 403, text: RENEWAL_REFUSED };

/** Returns status and text of a refusal. */
export function wireRefusal(code: RedemptionErrorCode, route: RefusedRoute = 'redemption'): WireRefusal {
  return code === 'redemption_revoked' && route === 'renewal' ? REVOKED_RENEWAL : WIRE[code];
}

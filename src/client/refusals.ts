import { formatDuration } from '../domain/duration.js';
import { OWN_KEY_TYPE } from '../domain/policy.js';
import { RedemptionError, type RedemptionErrorCode } from '../domain/redemption-error.js';
import { STOCK_TEXT, STOCK_TEXT_BEGINNING } from '../domain/stock-texts.js';
import type { ExchangeResponse } from './http-exchange.js';

/** Messages for the refusals of a service; the peer's own text is never shown. */
const SENTENCES = {
  code_wrong: 'The service refused the code of the token.',
  grant_unknown: 'The service has no such grant: it has expired or was deleted.',
  grant_expired: 'The grant of the token has expired.',
  grant_revoked: 'The grant of the token was revoked.',
  grant_exhausted: 'The grant of the token has been redeemed as often as it allows.',
  code_expired: 'The token has expired.',
  code_revoked: 'The token was revoked.',
  code_exhausted: 'The token has been redeemed as often as it allows.',
  key_mismatch: 'The token is bound to a key, and the redemption has no certificate request of this key.',
  policy_subject: 'The grant does not allow this subject.',
  policy_name: 'The grant does not allow this link name.',
  policy_source: 'The grant does not allow the address of this client.',
  policy_key: `The grant does not allow the type of the key; linkgrant generates ${OWN_KEY_TYPE}.`,
  policy_identity_required: 'The grant is only for identities, and refuses a code that any key can redeem.',
  policy_csr_required: 'The grant requires a key that the requesting site generates.',
  csr_invalid: 'The service could not read the certificate request.',
  key_weak: 'The service found the key too weak.',
  name_invalid: 'The service does not accept this link name.',
  subject_invalid: 'The service does not accept this subject.',
  body_invalid: 'The service could not read the request.',
  body_too_large: 'The service found the request too large.',
  body_timeout: 'The request reached the service too slowly.',
  method_not_allowed: 'The service accepts no POST at this URL.',
  link_access_unavailable: 'The accepting site has no address for links now.',
  edge_site: 'The accepting site is an edge site, which accepts no links.',
  issuer_unavailable: 'The accepting site has no CA to issue the certificate with now.',
  issuer_untrusted:
    'The CA that would issue the certificate is not trusted by the router of the accepting site.',
  not_yet_valid: 'The token cannot be redeemed yet.',
  renewal_invalid: 'The service could not read the renewal request.',
  renewal_refused: 'The service has no link with this certificate.',
  renewal_stale: 'The service found the renewal request out of date.',
  renewal_expired: 'The certificate ended too long ago to be renewed.',
  superseded: 'A newer certificate has replaced this one.',
  site_replaced: 'The accepting site was replaced by another one of the same name.',
  redemption_revoked: 'The link was revoked by the accepting side.',
  redemption_replaced: 'The link was replaced by a new one: a new token was redeemed for its site.',
  repeated_redemption: 'This site has redeemed the grant too often lately.',
  provider_unavailable: 'The service has no keys of the provider of the identity token yet.',
  overloaded: 'The service is overloaded now.',
  store_unavailable: 'The service cannot record a redemption now.',
  internal: 'The service failed.',
} as const satisfies Record<RedemptionErrorCode, string>;

/** Returns the error for a refusal with this code. */
export function refusalWith(code: RedemptionErrorCode): RedemptionError {
  return new RedemptionError(code, SENTENCES[code]);
}

/** The meaning of each text of a Skupper grant server, with any status. */
export const STOCK_TEXTS: Readonly<Record<string, RedemptionErrorCode>> = {
  [STOCK_TEXT.bodyNotValid]: 'body_invalid',
  [STOCK_TEXT.refused]: 'code_wrong',
  [STOCK_TEXT.noClaim]: 'grant_unknown',
  [STOCK_TEXT.noGrantLeft]: 'grant_exhausted',
  [STOCK_TEXT.postOnly]: 'method_not_allowed',
  [STOCK_TEXT.corruptedClaim]: 'internal',
  [STOCK_TEXT.noIssuer]: 'issuer_unavailable',
  [STOCK_TEXT.edgeSite]: 'edge_site',
  [STOCK_TEXT.noEndpoints]: 'link_access_unavailable',
  [STOCK_TEXT.internal]: 'store_unavailable',
} satisfies Record<(typeof STOCK_TEXT)[keyof typeof STOCK_TEXT], RedemptionErrorCode>;
/** The meaning of the texts of which only the beginning is fixed, with status 500. */
export const STOCK_PREFIXES: readonly (readonly [string, RedemptionErrorCode])[] = [
  [STOCK_TEXT_BEGINNING.noSite, 'link_access_unavailable'],
  [STOCK_TEXT_BEGINNING.unreadableCa, 'issuer_unavailable'],
];

/**
 * Returns the meaning of a response other than 200: by the `code` of a linkgrant problem, else by the header
 * `linkgrant-reason`, else by Skupper's text or its beginning. Any other response is not from the service: `redirect`,
 * `overloaded` for status 429, or `service_unavailable`.
 */
export function refusalOf(response: ExchangeResponse): RedemptionError {
  const code = refusalCode(response);
  if (code) return refusal(code, response);
  const { status } = response;
  if (status >= 300 && status < 400) {
    return new RedemptionError('redirect', `The server answers with a redirect (status ${status}).`);
  }
  if (status === 429) return refusal('overloaded', response);
  return new RedemptionError(
    'service_unavailable',
    `The server that answered is not a redemption service now (status ${status}).`,
  );
}

/** True for a 404 with the text of a Skupper grant server for an unknown URL or for a grant without a use left. */
export function isStockNotFound(response: ExchangeResponse): boolean {
  const text = bodyText(response);
  return response.status === 404 && (text === STOCK_TEXT.noClaim || text === STOCK_TEXT.noGrantLeft);
}

function refusalCode(response: ExchangeResponse): RedemptionErrorCode | undefined {
  if (response.status < 400) return undefined;
  const code = problemOf(response)?.code ?? response.headers['linkgrant-reason'];
  if (typeof code === 'string' && isRefusalCode(code)) return code;
  const text = bodyText(response);
  const exact = Object.hasOwn(STOCK_TEXTS, text) ? STOCK_TEXTS[text] : undefined;
  return exact ?? STOCK_PREFIXES.find(([prefix]) => response.status === 500 && text.startsWith(prefix))?.[1];
}

/** Returns the members of an RFC 9457 problem, not validated; undefined for any other response. */
export function problemOf(
  response: ExchangeResponse,
): { readonly code?: unknown; readonly serverTime?: unknown } | undefined {
  if (!response.headers['content-type']?.startsWith('application/problem+json') || response.isTruncated)
    return undefined;
  try {
    return (JSON.parse(bodyText(response)) as object | null) ?? undefined;
  } catch {
    return undefined;
  }
}

function isRefusalCode(code: string): code is RedemptionErrorCode {
  return Object.hasOwn(SENTENCES, code);
}

function bodyText(response: ExchangeResponse): string {
  return response.isTruncated
    ? ''
    : Buffer.from(response.body)
        .toString('utf8')
        .replace(/\r?\n$/, '');
}

/** Returns the error for a code, with the delay in `Retry-After` if that is a number of seconds. */
function refusal(code: RedemptionErrorCode, { headers }: ExchangeResponse): RedemptionError {
  const delay = headers['retry-after'] ?? '';
  if (!/^\d{1,6}$/.test(delay)) return new RedemptionError(code, SENTENCES[code]);
  const retryAfter = Number(delay);
  const message = `${SENTENCES[code]} Retry in ${formatDuration(retryAfter * 1_000)}.`;
  return new RedemptionError(code, message, { retryAfter });
}

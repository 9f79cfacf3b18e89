/**
 * Why the accepting side refused a redemption or renewal. The union is closed: every adapter maps it with a table that
 * `satisfies Record<RedemptionErrorCode, …>`, so a new code does not compile until each adapter maps it.
 */
export type RedemptionErrorCode =
  | 'code_wrong'
  | 'grant_unknown'
  | 'grant_expired'
  | 'grant_revoked'
  | 'grant_exhausted'
  | 'code_expired'
  | 'code_revoked'
  | 'code_exhausted'
  /** The code is bound to a key, and the request has no CSR of that key that was made for this code. */
  | 'key_mismatch'
  | 'policy_subject'
  | 'policy_name'
  | 'policy_source'
  | 'policy_key'
  | 'policy_csr_required'
  /** The grant is only for identities, and the code is one that any key can redeem. */
  | 'policy_identity_required'
  | 'csr_invalid'
  | 'key_weak'
  | 'name_invalid'
  | 'subject_invalid'
  | 'body_invalid'
  | 'body_too_large'
  | 'body_timeout'
  | 'method_not_allowed'
  | 'link_access_unavailable'
  | 'edge_site'
  | 'issuer_unavailable'
  | 'issuer_untrusted'
  | 'not_yet_valid'
  /** A client that sends no CSR has redeemed the same grant for the same name and subject too often. */
  | 'repeated_redemption'
  /** The body is not a renewal request: no JWS of that type, or claims are missing. */
  | 'renewal_invalid'
  /** The renewal request was not signed with the key of a link of this service. */
  | 'renewal_refused'
  /** The time in the renewal request differs from the service's by more than 5 minutes. */
  | 'renewal_stale'
  /** The certificate expired so long ago that it can no longer be renewed. */
  | 'renewal_expired'
  /** A newer certificate has replaced the one that signed the request. */
  | 'superseded'
  /** The accepting site was replaced by another one with the same name. */
  | 'site_replaced'
  /** The redemption that a request repeats, or that a renewal is for, was revoked; its grant may still be valid. */
  | 'redemption_revoked'
  /** The link of the renewal request was replaced: a new token was redeemed for the same site. */
  | 'redemption_replaced'
  /** The keys of the provider of an identity token were not fetched yet. */
  | 'provider_unavailable'
  | 'overloaded'
  | 'store_unavailable'
  | 'internal';

/** Why the requesting side could not redeem or renew, apart from refusals of the service. */
export type ClientErrorCode =
  | 'dns'
  /** The host in a token's URL has an address that is not allowed: the machine itself, a cloud's metadata service. */
  | 'address_refused'
  | 'connection_refused'
  | 'connection_timeout'
  | 'proxy'
  | 'clock_skew'
  | 'outcome_unknown'
  | 'tls_untrusted'
  | 'tls_name'
  | 'not_https'
  | 'redirect'
  /** Another server answered instead of the redemption service: an ingress without a backend, a gateway, a firewall. */
  | 'service_unavailable'
  | 'answer_invalid'
  /** The server generates the private key of the link, but the request requires a key of the client. */
  | 'server_generated_key'
  /** The token was redeemed before under a link name other than the requested one. */
  | 'other_name'
  | 'token_invalid'
  /** The token is bound to a key that this site does not have. */
  | 'key_missing'
  /** There is no identity token at the moment: its file is missing or incomplete, or the command for it failed. */
  | 'identity_missing'
  /** The identity token is for another service or for another key, so it was not sent. */
  | 'identity_audience'
  /** The service did not accept the identity token; it does not report why. */
  | 'identity_refused'
  | 'not_writable'
  /** The token was redeemed before, and the certificate of its link has expired. */
  | 'link_ended'
  /** A file or resource of the link exists already and does not belong to this redemption. */
  | 'place_taken'
  /** Another process is working on the same links. */
  | 'busy'
  /** The API server of the link's cluster cannot be reached, or cannot answer now. */
  | 'cluster_unavailable';

/** A refusal as a value: the code, and the delay of a retry if the request determines it. */
export interface Refusal {
  readonly refused: RedemptionErrorCode;
  /** Seconds after which the same request may succeed; absent if the code alone determines whether and when. */
  readonly retryAfter?: number;
}

/**
 * A failure with a stable code, thrown where no result type can contain it, such as a driver error or an invalid response.
 * `message` is for users and contains no code, key or token; `cause` is only for the log.
 */
export class RedemptionError extends Error {
  override readonly name = 'RedemptionError';
  readonly code: RedemptionErrorCode | ClientErrorCode;
  /** As in {@link Refusal}. */
  readonly retryAfter: number | undefined;

  constructor(
    code: RedemptionErrorCode | ClientErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfter?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}

/** The error for a caller when the store cannot answer. */
export function storeUnavailable(message: string, cause?: unknown): RedemptionError {
  return new RedemptionError('store_unavailable', message, { cause });
}

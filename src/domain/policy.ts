/** Key types that a client certificate may have, as policy and configuration spell them. */
export type ClientKeyType = 'p256' | 'p384' | 'rsa' | 'ed25519';

/**
 * The rules of a grant beyond its count and its end. An absent field does not restrict; an empty list allows no value.
 * `subjects` and `names` are globs (`*` any run of characters, `?` one), the rest is literal.
 */
export interface GrantPolicy {
  readonly subjects?: readonly string[];
  readonly names?: readonly string[];
  /** CIDRs (IPv4 or IPv6) that the peer's address must be in. */
  readonly sourceCidrs?: readonly string[];
  readonly keyTypes?: readonly ClientKeyType[];
  readonly csrRequired?: boolean;
  /** Longest lifetime of a client certificate, in milliseconds. */
  readonly certificateLifetimeMs?: number;
  /** Milliseconds since the epoch before which nothing is redeemed. */
  readonly notBefore?: number;
}

import type { LinkRole } from './link.js';

/** Key types that a client certificate may have, as policy and configuration spell them. */
export type ClientKeyType = 'p256' | 'p384' | 'rsa' | 'ed25519';

/**
 * The rules of a grant beyond its count and its end. An absent field does not restrict, except that
 * `keyTypes` and `endpointRoles` have a default; an empty list allows no value.
 * `subjects` and `names` are globs (`*` any run of characters, `?` one), the rest is literal.
 */
export interface GrantPolicy {
  readonly subjects?: readonly string[];
  readonly names?: readonly string[];
  /** CIDRs (IPv4 or IPv6) that the peer's address must be in. */
  readonly sourceCidrs?: readonly string[];
  readonly keyTypes?: readonly ClientKeyType[];
  readonly csrRequired?: boolean;
  /** Roles of the endpoints that its links lead to; by default those of the site's own network. */
  readonly endpointRoles?: readonly LinkRole[];
  /** Longest lifetime of a client certificate, in milliseconds. */
  readonly certificateLifetimeMs?: number;
  /** Milliseconds since the epoch before which nothing is redeemed. */
  readonly notBefore?: number;
}

import type { AccessGrant } from '../../domain/access-grant.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { CertificateAuthority } from '../../pki/authority.js';

/** What an accepting site contributes to an answer, as it is at this moment. */
export interface SiteAccess {
  /** Identity of the site, where its platform gives it one. */
  readonly siteUid: string | null;
  /** At least one. */
  readonly endpoints: readonly LinkEndpoint[];
  readonly issuer: CertificateAuthority;
  /** PEM of every CA that a link's client must trust: the answer's `ca.crt`. */
  readonly caCrt: string;
}

/** Why a site gives no access now, as a code for the one who redeems and in words for its operator. */
export interface SiteRefusal extends Refusal {
  readonly refused: 'link_access_unavailable' | 'edge_site' | 'issuer_unavailable' | 'issuer_untrusted';
  /** A sentence without its full stop. */
  readonly reason: string;
  /** What the operator can do about it. */
  readonly hint: string;
  /** True for a site that is set up to link to others, and to accept nothing. */
  readonly requestsOnly?: boolean;
}

/** Whose access is asked for: the grant, or one that is about to be made. */
export type SiteRequest = Pick<AccessGrant, 'namespace' | 'name' | 'issuer'>;

/** Tells where an accepting site's endpoints and issuer come from. */
export interface Site {
  /** The access that a redemption of `grant` gives, with its trust checked, or why there is none now. */
  resolveAccess(grant: SiteRequest): Promise<SiteAccess | SiteRefusal>;
}

import type { AccessGrant } from '../../domain/access-grant.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { CertificateAuthority } from '../../pki/authority.js';

/** What an accepting site contributes to a response. */
export interface SiteAccess {
  /** Identity of the site, if its platform has one. */
  readonly siteUid: string | null;
  /** At least one. */
  readonly endpoints: readonly LinkEndpoint[];
  readonly issuer: CertificateAuthority;
  /** PEM of every CA that a link's client must trust: `ca.crt` of the response. */
  readonly caCrt: string;
}

/** Why a site accepts no link now: a code for the client, and a reason for the operator. */
export interface SiteRefusal extends Refusal {
  readonly refused: 'link_access_unavailable' | 'edge_site' | 'issuer_unavailable' | 'issuer_untrusted';
  /** A sentence without its full stop. */
  readonly reason: string;
  /** What the operator can do about it. */
  readonly hint: string;
  /** True for a site that only links to others and accepts no links. */
  readonly isRequestOnly?: boolean;
}

/** The grant whose access is requested; it may not exist yet. Only `endpointRoles` of its policy is used. */
export type SiteRequest = Pick<AccessGrant, 'namespace' | 'name' | 'issuer'> &
  Partial<Pick<AccessGrant, 'policy'>>;

/** Resolves the endpoints and the issuer of an accepting site. */
export interface Site {
  /** Returns the access for a redemption of `grant`, or why the site accepts no link now, or why a link could not connect. */
  resolveAccess(grant: SiteRequest): Promise<SiteAccess | SiteRefusal>;
}

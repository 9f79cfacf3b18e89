import { codeMatches } from '../../codes/opaque-code.js';
import { type AccessGrant, grantState } from '../../domain/access-grant.js';
import type { AccessToken } from '../../domain/access-token.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { Clock } from '../ports/clock.js';
import type { ServiceDescription } from './service-description.js';

/** The content of a token; `code` is the grant's, and a secret. */
export interface TokenRequest {
  readonly grant: AccessGrant;
  readonly code: string;
  /** Name of the token and of its Link; absent for the grant's. */
  readonly name?: string | undefined;
  readonly linkCost?: number | undefined;
  /** The present endpoints of the link. */
  readonly endpoints: readonly LinkEndpoint[];
  /** Identity of the accepting site, if it has one. */
  readonly siteUid?: string | null;
}

/** Returns a token for `grant`; or, as a sentence, why such a token could not be redeemed. */
export function issueToken(
  { grant, code, name, linkCost, endpoints, siteUid }: TokenRequest,
  service: ServiceDescription,
  clock: Clock,
): AccessToken | { readonly rejected: string } {
  if (endpoints.length === 0) {
    return {
      rejected: 'the site accepts no links: the service has no --endpoint',
    };
  }
  const state = grantState(grant, clock());
  if (state !== 'ready') return { rejected: `grant "${grant.name}" is ${state}` };
  if (!codeMatches(grant.codeHash, grant.uid, Buffer.from(code))) {
    return { rejected: `the code is not that of grant "${grant.name}"` };
  }
  return {
    name: name ?? grant.name,
    url: `${service.url}/${grant.uid}`,
    code,
    ca: service.ca,
    ...(linkCost !== undefined && { linkCost }),
    ...(grant.expirationTime !== null && { expirationTime: grant.expirationTime }),
    redemptionsAllowed: grant.redemptionsAllowed,
    ...(siteUid && { issuerSite: siteUid }),
  };
}

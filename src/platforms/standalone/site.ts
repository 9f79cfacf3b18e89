import type { LinkEndpoint } from '../../domain/link.js';
import type { TrustedAuthority } from '../../pki/server-identity.js';
import { noEndpointOfRoles, withGrantRoles } from '../../redemption/accepting/endpoint-roles.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../redemption/ports/site.js';

interface StandaloneSiteOptions {
  readonly endpoints: readonly LinkEndpoint[];
  /** Called for each response; returns a sentence if the CA cannot sign. */
  readonly defaultIssuer: () => TrustedAuthority | string;
  /** Called for each response; returns a sentence if the CA cannot sign. */
  readonly findIssuer: (name: string) => TrustedAuthority | string;
  readonly clock: Clock;
}

/**
 * A site without a platform, whose endpoints are configured. The service cannot read the certificate of the router, so links
 * trust the signing CA, its predecessors and its prepared successor.
 */
export class StandaloneSite implements Site {
  readonly #options: StandaloneSiteOptions;

  constructor(options: StandaloneSiteOptions) {
    this.#options = options;
  }

  async resolveAccess(grant: SiteRequest): Promise<SiteAccess | SiteRefusal> {
    const { endpoints: all, defaultIssuer, findIssuer, clock } = this.#options;
    if (all.length === 0) {
      const hint = 'start it with --endpoint inter-router=HOST:PORT';
      return { refused: 'link_access_unavailable', reason: 'the service has no endpoint to link to', hint };
    }
    const endpoints = withGrantRoles(all, grant);
    if (endpoints.length === 0) return noEndpointOfRoles(all, grant);
    const found = grant.issuer === null ? defaultIssuer() : findIssuer(grant.issuer);
    const issuer = issuerOfLinks(found, clock());
    if ('refused' in issuer) return issuer;
    return { siteUid: null, endpoints, issuer, caCrt: issuer.trustPem };
  }
}

/** The CA that was looked up, or a refusal if it cannot sign link certificates now. */
export function issuerOfLinks(found: TrustedAuthority | string, now: number): TrustedAuthority | SiteRefusal {
  if (typeof found === 'string') return issuerUnavailable(found);
  if (!found.signsFor.client)
    return issuerUnavailable(`${found.description} may not sign certificates of TLS clients`);
  if (found.notAfter <= now) return issuerUnavailable(`${found.description} has expired`);
  return found.notBefore > now ? issuerUnavailable(`${found.description} is not valid yet`) : found;
}

function issuerUnavailable(reason: string): SiteRefusal {
  const hint = "put a CA that may sign now into the data directory's issuers/, or name another with --issuer";
  return { refused: 'issuer_unavailable', reason, hint };
}

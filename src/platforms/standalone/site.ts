import type { LinkEndpoint } from '../../domain/link.js';
import type { TrustedAuthority } from '../../pki/server-identity.js';
import { noEndpointOfRoles, withGrantRoles } from '../../redemption/accepting/endpoint-roles.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../redemption/ports/site.js';

/** How long a site uses a CA before it checks the files of the CA again, in milliseconds. */
export const ISSUER_CHECK_INTERVAL_MS = 1_000;

interface StandaloneSiteOptions {
  readonly endpoints: readonly LinkEndpoint[];
  /** Returns the CA of grants that name no issuer, or a sentence that says why it cannot sign. */
  readonly defaultIssuer: () => TrustedAuthority | string;
  /** Returns the CA with this name, or a sentence that says why it cannot sign. */
  readonly findIssuer: (name: string) => TrustedAuthority | string;
  readonly clock: Clock;
}

/**
 * A site without a platform, whose endpoints are configured. The service cannot read the certificate of the router, so links
 * trust the signing CA, its predecessors and its prepared successor.
 */
export class StandaloneSite implements Site {
  readonly #options: StandaloneSiteOptions;
  // The CAs by name; null for the default CA.
  readonly #cached = new Map<string | null, { readonly issuer: TrustedAuthority; readonly at: number }>();

  constructor(options: StandaloneSiteOptions) {
    this.#options = options;
  }

  async resolveAccess(grant: SiteRequest): Promise<SiteAccess | SiteRefusal> {
    const { endpoints: all, clock } = this.#options;
    if (all.length === 0) {
      const hint = 'start it with --endpoint inter-router=HOST:PORT';
      return { refused: 'link_access_unavailable', reason: 'the service has no endpoint to link to', hint };
    }
    const endpoints = withGrantRoles(all, grant);
    if (endpoints.length === 0) return noEndpointOfRoles(all, grant);
    const now = clock();
    const issuer = issuerOfLinks(this.#findIssuer(grant.issuer, now), now);
    if ('refused' in issuer) return issuer;
    return { siteUid: null, endpoints, issuer, caCrt: issuer.trustPem };
  }

  #findIssuer(name: string | null, now: number): TrustedAuthority | string {
    const cached = this.#cached.get(name);
    if (cached && now >= cached.at && now < cached.at + ISSUER_CHECK_INTERVAL_MS) return cached.issuer;
    const issuer = name === null ? this.#options.defaultIssuer() : this.#options.findIssuer(name);
    if (typeof issuer !== 'string') this.#cached.set(name, { issuer, at: now });
    return issuer;
  }
}

/** Returns the CA, or a refusal if it cannot sign certificates of links now; a string says why it cannot. */
export function issuerOfLinks(ca: TrustedAuthority | string, now: number): TrustedAuthority | SiteRefusal {
  if (typeof ca === 'string') return issuerUnavailable(ca);
  if (!ca.signsFor.client)
    return issuerUnavailable(`${ca.description} may not sign certificates of TLS clients`);
  if (ca.notAfter <= now) return issuerUnavailable(`${ca.description} has expired`);
  if (ca.notBefore > now) return issuerUnavailable(`${ca.description} is not valid yet`);
  return ca;
}

function issuerUnavailable(reason: string): SiteRefusal {
  const hint = "put a CA that may sign now into the data directory's issuers/, or name another with --issuer";
  return { refused: 'issuer_unavailable', reason, hint };
}

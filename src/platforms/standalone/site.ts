import type { LinkEndpoint } from '../../domain/link.js';
import type { TrustedAuthority } from '../../pki/server-identity.js';
import { noEndpointOfRoles, withGrantRoles } from '../../redemption/accepting/endpoint-roles.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../redemption/ports/site.js';

/** How long a site uses a CA before it checks the files of the CA again, in milliseconds. */
export const ISSUER_CHECK_INTERVAL_MS = 1_000;

interface StandaloneSiteOptions {
  readonly endpoints: readonly LinkEndpoint[];
  /** Returns a sentence if the CA cannot sign. */
  readonly defaultIssuer: () => TrustedAuthority | string;
  /** Returns a sentence if the CA cannot sign. */
  readonly findIssuer: (name: string) => TrustedAuthority | string;
  readonly clock: Clock;
}

/**
 * A site without a platform, whose endpoints are configured. The service cannot read the certificate of the router, so links
 * trust the signing CA, its predecessors and its prepared successor.
 */
export class StandaloneSite implements Site {
  readonly #options: StandaloneSiteOptions;
  // The CAs by the name of their issuer; null is the default one.
  readonly #found = new Map<string | null, { readonly issuer: TrustedAuthority; readonly at: number }>();

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
    const last = this.#found.get(name);
    if (last && now >= last.at && now < last.at + ISSUER_CHECK_INTERVAL_MS) return last.issuer;
    const issuer = name === null ? this.#options.defaultIssuer() : this.#options.findIssuer(name);
    if (typeof issuer !== 'string') this.#found.set(name, { issuer, at: now });
    return issuer;
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

import type { LinkEndpoint } from '../../domain/link.js';
import type { CertificateAuthority } from '../../pki/authority.js';
import type { Clock } from '../../redemption/clock.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../redemption/site.js';

/** Finds a CA by its name, or says in a sentence why it cannot sign. */
export type IssuerLookup = (name: string) => CertificateAuthority | string;

/**
 * A site without a platform: its endpoints are configured, its CA is the service's own. There is no router certificate
 * to look at, so the CA that signs is the one that links trust.
 */
export class StandaloneSite implements Site {
  readonly #endpoints: readonly LinkEndpoint[];
  readonly #defaultIssuer: CertificateAuthority;
  readonly #findIssuer: IssuerLookup;
  readonly #clock: Clock;

  constructor(options: {
    readonly endpoints: readonly LinkEndpoint[];
    readonly defaultIssuer: CertificateAuthority;
    readonly findIssuer: IssuerLookup;
    readonly clock: Clock;
  }) {
    this.#endpoints = options.endpoints;
    this.#defaultIssuer = options.defaultIssuer;
    this.#findIssuer = options.findIssuer;
    this.#clock = options.clock;
  }

  async resolveAccess(grant: SiteRequest): Promise<SiteAccess | SiteRefusal> {
    if (this.#endpoints.length === 0) {
      return {
        refused: 'link_access_unavailable',
        reason: 'the service has no endpoint to link to',
        hint: 'start it with --endpoint inter-router=HOST:PORT',
      };
    }
    const found = grant.issuer === null ? this.#defaultIssuer : this.#findIssuer(grant.issuer);
    const issuer = issuerOfLinks(found, this.#clock());
    if ('refused' in issuer) return issuer;
    return { siteUid: null, endpoints: this.#endpoints, issuer, caCrt: issuer.bundlePem };
  }
}

/** The CA that was looked up, if it can sign links now. */
export function issuerOfLinks(
  found: CertificateAuthority | string,
  now: number,
): CertificateAuthority | SiteRefusal {
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

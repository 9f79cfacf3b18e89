import type { AccessGrant } from '../../domain/access-grant.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { CertificateAuthority } from '../../pki/authority.js';
import type { Clock } from '../../redemption/clock.js';
import type { Site, SiteAccess } from '../../redemption/site.js';

/** Finds a CA by its name; undefined when there is none, or it cannot sign. */
export type IssuerLookup = (name: string) => CertificateAuthority | undefined;

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

  async resolveAccess(grant: AccessGrant): Promise<SiteAccess | Refusal> {
    if (this.#endpoints.length === 0) return { refused: 'link_access_unavailable' };
    const issuer = grant.issuer === null ? this.#defaultIssuer : this.#findIssuer(grant.issuer);
    const now = this.#clock();
    if (!issuer || issuer.notAfter <= now || issuer.notBefore > now) return { refused: 'issuer_unavailable' };
    return { siteUid: null, endpoints: this.#endpoints, issuer, caCrt: issuer.bundlePem };
  }
}

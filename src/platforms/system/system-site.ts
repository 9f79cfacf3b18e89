import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkEndpoint } from '../../domain/link.js';
import { isResourceName, SITE_CA } from '../../domain/names.js';
import { isLoopback } from '../../domain/peer-address.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { UnreadableFileError } from '../../files/file-error.js';
import { type CertificateAuthority, loadAuthority } from '../../pki/authority.js';
import { namesHost, routerNames } from '../../pki/certificate-info.js';
import { noEndpointOfRoles, withGrantRoles } from '../../redemption/accepting/endpoint-roles.js';
import {
  type RouterCredentials,
  routerTrustRefusal,
  trustOfLink,
} from '../../redemption/accepting/router-trust.js';
import type { SystemPlace } from '../../redemption/accepting/service-description.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../redemption/ports/site.js';
import { detectHost, unroutableReason } from './routable-host.js';
import { accessProblem, readSiteState, type SystemRouterAccess } from './site-state.js';
import { type NamespaceDirectories, SkupperHome, startedPlatform } from './skupper-home.js';

const FIX_ISSUER = 'name another issuer, or correct this one and reload the site';
const FIX_TRUST = 'use the issuer of the router, or add this issuer to the CAs that the router trusts';

/**
 * The sites of Skupper's system platforms. Each call reads the site of a namespace from its runtime state. Refuses access
 * unless the link would work: the router trusts the issuer, the CAs in the response verify the router's certificate,
 * and that certificate contains the host, compared in the way that routers compare names.
 */
export class SystemSite implements Site {
  readonly #place: SystemPlace;
  readonly #home: SkupperHome;
  readonly #clock: Clock;

  constructor(place: SystemPlace, clock: Clock) {
    this.#place = place;
    this.#home = new SkupperHome(place.skupperHome);
    this.#clock = clock;
  }

  async resolveAccess(grant: SiteRequest): Promise<SiteAccess | SiteRefusal> {
    try {
      return this.#resolve(grant);
    } catch (error) {
      if (!(error instanceof UnreadableFileError)) throw error;
      return { refused: 'link_access_unavailable', reason: error.message, hint: error.hint };
    }
  }

  /** The name of the CA that signs in a namespace unless a grant names another one. */
  defaultIssuer(namespace: string): string {
    try {
      const state = readSiteState(this.#home.namespace(namespace));
      return (typeof state === 'string' ? undefined : state.defaultIssuer) ?? SITE_CA;
    } catch (error) {
      if (!(error instanceof UnreadableFileError)) throw error;
      return SITE_CA;
    }
  }

  /** The CA of that name in a namespace, even if the router does not trust it. */
  findIssuer(namespace: string, name: string): CertificateAuthority | SiteRefusal {
    return this.#readIssuer(this.#home.namespace(namespace), name);
  }

  #resolve(grant: SiteRequest): SiteAccess | SiteRefusal {
    const { namespace: servedNamespace } = this.#place;
    if (servedNamespace !== undefined && servedNamespace !== grant.namespace) {
      const reason = `namespace "${grant.namespace}" is not served; the service serves only "${servedNamespace}"`;
      return {
        refused: 'link_access_unavailable',
        reason,
        hint: 'start the service without --namespace, or with this one',
      };
    }
    const directories = this.#home.namespace(grant.namespace);
    const state = readSiteState(directories);
    const platform = startedPlatform(directories) ?? this.#place.platform;
    const flags = `-n ${grant.namespace} -p ${platform}`;
    if (state === 'no-site')
      return {
        refused: 'link_access_unavailable',
        reason: `namespace "${grant.namespace}" has no site`,
        hint: `create one with \`skupper site create NAME --enable-link-access ${flags}\` and start it with \`skupper system start ${flags}\``,
      };
    if (state === 'not-started')
      return {
        refused: 'link_access_unavailable',
        reason: `the site of namespace "${grant.namespace}" is not started`,
        hint: `start it with \`skupper system start ${flags}\``,
      };
    if (state.isEdge)
      return {
        refused: 'edge_site',
        reason: `site "${state.name}" is an edge site and accepts no links`,
        hint: 'accept links at a site that is not an edge site',
        isRequestOnly: true,
      };
    if (state.accesses.length === 0) {
      return {
        refused: 'link_access_unavailable',
        reason: `site "${state.name}" accepts no links`,
        hint: `enable it with \`skupper site update ${state.name} --enable-link-access ${flags}\`, then run \`skupper system reload ${flags}\``,
        isRequestOnly: true,
      };
    }
    const accesses = state.accesses
      .map((access) => ({ ...access, roles: withGrantRoles(access.roles, grant) }))
      .filter(({ roles }) => roles.length > 0);
    if (accesses.length === 0)
      return noEndpointOfRoles(
        state.accesses.flatMap(({ roles }) => roles),
        grant,
      );
    const issuer = this.#readIssuer(directories, grant.issuer ?? state.defaultIssuer ?? SITE_CA);
    if ('refused' in issuer) return issuer;
    const endpoints: LinkEndpoint[] = [];
    const routers: RouterCredentials[] = [];
    for (const access of accesses) {
      const checked = this.#checkAccess(directories, access, issuer);
      if ('refused' in checked) return checked;
      endpoints.push(...checked.endpoints);
      routers.push(checked.router);
    }
    return { siteUid: state.uid, endpoints, issuer, caCrt: trustOfLink(issuer, routers) };
  }

  #readIssuer(directories: NamespaceDirectories, name: string): CertificateAuthority | SiteRefusal {
    if (!isResourceName(name)) {
      return {
        refused: 'issuer_unavailable',
        reason: `"${name}" is not a valid issuer name`,
        hint: FIX_ISSUER,
      };
    }
    const reasons: string[] = [];
    for (const issuers of [directories.runtimeIssuers, directories.inputIssuers]) {
      const file = join(issuers, name, 'tls.crt');
      try {
        const keyFile = join(issuers, name, 'tls.key');
        const pem = { certificate: readBoundedText(file), key: readBoundedText(keyFile) };
        return loadAuthority(pem, file, this.#clock(), keyFile);
      } catch (error) {
        const { code, message, hint } = error as UnreadableFileError;
        if (code === 'ENOENT' && !existsSync(file)) continue;
        // If this user may not read the CA in use, refuse instead of using another CA of the same name.
        if (code !== undefined) return { refused: 'issuer_unavailable', reason: message, hint };
        reasons.push(message);
      }
    }
    const why = reasons.join('; ') || `there is no issuer "${name}" in runtime/issuers or input/issuers`;
    return { refused: 'issuer_unavailable', reason: why, hint: FIX_ISSUER };
  }

  #checkAccess(
    directories: NamespaceDirectories,
    access: SystemRouterAccess,
    issuer: CertificateAuthority,
  ): { readonly endpoints: LinkEndpoint[]; readonly router: RouterCredentials } | SiteRefusal {
    const problem = accessProblem(access);
    if (problem !== undefined) {
      const hint = 'correct it in input/resources and reload the site';
      return { refused: 'link_access_unavailable', reason: `RouterAccess "${access.name}" ${problem}`, hint };
    }
    const router = readRouterCredentials(directories, access);
    if ('refused' in router) return router;
    const hints = { issuer: FIX_TRUST, router: 'reload the site, so that its certificates are recreated' };
    const distrusted = routerTrustRefusal(issuer, router, {
      access: access.name,
      hints,
      now: this.#clock(),
    });
    if (distrusted) return distrusted;
    const names = routerNames(router.certificate);
    const host = hostAmong(this.#place.hosts, names);
    if (typeof host !== 'string') return host;
    const endpoints = access.roles.map(({ name, port }) => ({ name, host, port, group: access.name }));
    return { endpoints, router };
  }
}

/**
 * The host of links to a router: the first of `hosts` that the router's certificate names; a detected one if `hosts` is
 * empty.
 */
function hostAmong(hosts: readonly string[], names: readonly string[]): string | SiteRefusal {
  const routable = hosts.filter((host) => unroutableReason(host) === undefined);
  const found =
    routable.find((host) => namesHost(names, host)) ?? (hosts.length > 0 ? undefined : detectHost(names));
  if (found !== undefined) return found;
  const [first] = hosts;
  if (first !== undefined && routable.length === 0) {
    const reason = `"${first}" ${unroutableReason(first)}`;
    return {
      refused: 'link_access_unavailable',
      reason,
      hint: 'restart `linkgrant serve` with another --host',
    };
  }
  const reachable = names.filter((name) => unroutableReason(name) === undefined && !isLoopback(name));
  const tried = routable.map((host) => `"${host}"`).join(' or ');
  const lacks =
    tried === ''
      ? "no address of this machine is in the router's certificate"
      : `the router's certificate does not name ${tried} as a DNS name`;
  return {
    refused: 'link_access_unavailable',
    reason: `${lacks}; it names ${reachable.join(', ') || 'no host that others can reach'}`,
    hint: 'restart `linkgrant serve` with --host for one of these, or add the host for links to spec.subjectAlternativeNames of the RouterAccess and reload the site',
  };
}

function readRouterCredentials(
  directories: NamespaceDirectories,
  access: SystemRouterAccess,
): RouterCredentials | SiteRefusal {
  const directory = join(directories.runtimeCertificates, access.tlsCredentials);
  try {
    const read = (file: string) => readBoundedText(join(directory, file));
    return { certificate: read('tls.crt'), trusted: read('ca.crt') };
  } catch (error) {
    const { message, code, hint } = error as UnreadableFileError;
    return {
      refused: 'issuer_untrusted',
      reason: `the router's certificate: ${message}`,
      hint: code === 'ENOENT' ? 'reload the site' : hint,
    };
  }
}

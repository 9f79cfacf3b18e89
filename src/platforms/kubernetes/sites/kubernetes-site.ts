import { formatEndpoint } from '../../../domain/host-port-text.js';
import type { LinkEndpoint } from '../../../domain/link.js';
import { isResourceName, SITE_CA } from '../../../domain/names.js';
import { RedemptionError, storeUnavailable } from '../../../domain/redemption-error.js';
import {
  type CertificateAuthority,
  CertificateAuthorityError,
  loadAuthority,
} from '../../../pki/authority.js';
import { SignatureChecks } from '../../../pki/certificate-chain.js';
import { beginsLater, namesHost, routerNames, splitCertificates } from '../../../pki/certificate-info.js';
import {
  type RouterCredentials,
  routerTrustRefusal,
  trustOfLink,
} from '../../../redemption/accepting/router-trust.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { Site, SiteAccess, SiteRefusal, SiteRequest } from '../../../redemption/ports/site.js';
import { CpuBudget } from '../../../time/cpu-budget.js';
import { OBJECT_LIMIT_TEXT } from '../api/object-limit.js';
import { siteEndpoints } from './site-endpoints.js';
import type { SiteIndex } from './site-index.js';
import type { RouterAccessFacts } from './site-resource.js';
import type { NoSecret, TlsSecret, TlsSecrets } from './tls-secrets.js';
import { TtlCache } from './ttl-cache.js';

// How long an acceptance is cached, and a refusal while a certificate is not valid yet.
const RESULT_MS = 10_000;
// How long any other refusal is cached.
const REFUSAL_MS = 300_000;
// Maximum for the certificates of all routers of a site together. A router with a CA of its own has 3 KiB.
const MAX_CERTIFICATES_BYTES = 256 * 1024;
// Usual certificates need about 2 ms of CPU, the slowest accepted ones about 60 ms. The first check of a process needs 10 ms, because
// its code is not compiled yet, and a slow machine several times as much.
const CPU_BUDGET_MS = 200;

interface Dependencies {
  readonly index: Pick<SiteIndex, 'siteOf' | 'routerAccessesOf'>;
  readonly secrets: Pick<TlsSecrets, 'read'>;
  readonly clock: Clock;
  /** Throws RedemptionError `store_unavailable` while the sites are not listed yet. */
  readonly assertSynced: () => void;
}

/**
 * The sites of a cluster. The access of a namespace depends only on its own Site, RouterAccesses and Secrets. Secrets are
 * read at each call. Refuses access if a router to which an endpoint leads would not accept the link. Rejects with
 * RedemptionError `store_unavailable` if the API server does not answer, and `overloaded` if the CPU budget is spent.
 */
export class KubernetesSite implements Site {
  readonly #deps: Dependencies;
  readonly #authorities = new TtlCache<CertificateAuthority | SiteRefusal>();
  readonly #routerResults = new TtlCache<RouterResult>();
  readonly #budget = new CpuBudget({ budgetMs: CPU_BUDGET_MS });

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  async resolveAccess(request: SiteRequest): Promise<SiteAccess | SiteRefusal> {
    const { namespace, issuer } = request;
    this.#deps.assertSynced();
    const site = this.#deps.index.siteOf(namespace);
    const endpoints = siteEndpoints(site, request);
    if ('refused' in endpoints) return endpoints;
    // Concurrently, because each reads Secrets from the API server.
    const [authority, routers] = await Promise.all([
      this.#readIssuer(namespace, issuer ?? site?.defaultIssuer ?? SITE_CA),
      this.#readRouters(namespace, endpoints),
    ]);
    if ('refused' in authority) return authority;
    if ('refused' in routers) return routers;
    const now = this.#deps.clock();
    const texts = [authority.sha256, authority.bundlePem, ...routers.flatMap(routerTexts)];
    const check = () => this.#withinBudget(namespace, now, () => checkRouters(authority, routers, now));
    // Grants with other roles lead to other routers, and must not replace each other's result.
    const key = JSON.stringify([
      namespace,
      authority.sha256,
      routers.map(({ access, hosts }) => [access.name, hosts]),
    ]);
    const result = this.#routerResults.getOrCompute(key, texts, now, check, (found) =>
      lifetimeMs(found, texts, now),
    );
    if ('refused' in result) return result;
    return { siteUid: site?.uid ?? null, endpoints, issuer: authority, ...result };
  }

  async #readIssuer(namespace: string, name: string): Promise<CertificateAuthority | SiteRefusal> {
    const hint = 'name another issuer in spec.issuer of the AccessGrant, or correct this Secret';
    if (!isResourceName(name)) {
      const issuer = name === '' ? 'the defaultIssuer of the Site' : `"${name}"`;
      return { refused: 'issuer_unavailable', reason: `${issuer} is not a valid issuer name`, hint };
    }
    const found = await this.#readSecret(namespace, name);
    if (typeof found === 'string') return noSecret('issuer_unavailable', 'issuer', name, found);
    const now = this.#deps.clock();
    const texts = [found.tlsCrt, found.tlsKey, found.caCrt];
    const loadIssuer = (): CertificateAuthority | SiteRefusal => {
      try {
        return loadAuthority({ certificate: chainOf(found), key: found.tlsKey }, `Secret "${name}"`, now);
      } catch (error) {
        if (error instanceof CertificateAuthorityError)
          return { refused: 'issuer_unavailable', reason: error.message, hint };
        throw error;
      }
    };
    return this.#authorities.getOrCompute(
      `${namespace}/${name}`,
      texts,
      now,
      () => this.#withinBudget(namespace, now, loadIssuer),
      (result) => lifetimeMs(result, texts, now),
    );
  }

  async #readRouters(
    namespace: string,
    endpoints: readonly LinkEndpoint[],
  ): Promise<FoundRouter[] | SiteRefusal> {
    const accesses = this.#deps.index.routerAccessesOf(namespace);
    const wanted = new Map<RouterAccessFacts, Set<string>>();
    for (const endpoint of endpoints) {
      const access = accesses.find((candidate) => leadsTo(candidate, endpoint));
      if (!access) {
        return {
          refused: 'link_access_unavailable',
          reason: `no RouterAccess of namespace "${namespace}" leads to the endpoint ${formatEndpoint(endpoint)} of its site`,
          hint: "wait until Skupper's controller has updated the Site and its RouterAccess",
        };
      }
      wanted.set(access, (wanted.get(access) ?? new Set()).add(endpoint.host));
    }
    const found: FoundRouter[] = [];
    for (const [access, hosts] of wanted) {
      const secret = await this.#readSecret(namespace, access.tlsCredentials);
      if (typeof secret === 'string') {
        return noSecret('issuer_untrusted', "router's server certificate", access.tlsCredentials, secret);
      }
      const router = { certificate: secret.tlsCrt, trusted: secret.caCrt };
      found.push({ access, router, hosts: [...hosts] });
    }
    return found;
  }

  /** Runs a check of certificates. Throws RedemptionError `overloaded` if the budget of the namespace is spent. */
  #withinBudget<T>(namespace: string, now: number, check: () => T): T {
    if (this.#budget.waitMs(namespace, now) === 0)
      return this.#budget.startAttempt(namespace, () => now)(check);
    throw new RedemptionError(
      'overloaded',
      `the certificates of namespace "${namespace}" took more than ${CPU_BUDGET_MS} ms of CPU within 30 seconds`,
    );
  }

  async #readSecret(namespace: string, name: string): Promise<TlsSecret | NoSecret> {
    try {
      return await this.#deps.secrets.read(namespace, name);
    } catch (cause) {
      throw storeUnavailable(`Secret "${name}" cannot be read now`, cause);
    }
  }
}

/** The CAs that the requesting sites must trust, or a refusal. */
type RouterResult = Pick<SiteAccess, 'caCrt'> | SiteRefusal;

/**
 * How long the result for the same certificates is cached. A refusal is cached longer, unless it can change with time
 * alone.
 */
function lifetimeMs(result: object, texts: readonly string[], now: number): number {
  return 'refused' in result && !texts.some((text) => beginsLater(text, now)) ? REFUSAL_MS : RESULT_MS;
}

/** All texts of a router that the result depends on. */
function routerTexts({ access, router, hosts }: FoundRouter): readonly string[] {
  return [access.name, access.tlsCredentials, router.certificate, router.trusted, ...hosts];
}

/**
 * Checks at `now` that each router would accept a link that `authority` signs, and that the link would accept each router.
 */
function checkRouters(
  authority: CertificateAuthority,
  routers: readonly FoundRouter[],
  now: number,
): RouterResult {
  const length = routers.flatMap(routerTexts).reduce((sum, text) => sum + text.length, 0);
  if (length > MAX_CERTIFICATES_BYTES) {
    const reason = `the routers of the site have more than ${MAX_CERTIFICATES_BYTES / 1024} KiB of certificates`;
    return {
      refused: 'issuer_untrusted',
      reason,
      hint: 'remove certificates from the Secrets of its RouterAccesses',
    };
  }
  const checks = new SignatureChecks();
  for (const { access, router, hosts } of routers) {
    const hints = {
      issuer:
        'set spec.issuer of the AccessGrant to the issuer of the router, or add this issuer to the CAs that the router trusts',
      router: `delete the Secret "${access.tlsCredentials}", so that it is recreated`,
    };
    const refusal =
      routerTrustRefusal(authority, router, { access: access.name, hints, now, checks }) ??
      nameRefusal(access, router, hosts);
    if (refusal) return refusal;
  }
  return {
    caCrt: trustOfLink(
      authority,
      routers.map(({ router }) => router),
    ),
  };
}

interface FoundRouter {
  readonly access: RouterAccessFacts;
  readonly router: RouterCredentials;
  /** The hosts of the endpoints that lead to the router. */
  readonly hosts: readonly string[];
}

function leadsTo({ endpoints }: RouterAccessFacts, { name, host, port, group }: LinkEndpoint): boolean {
  return (
    typeof endpoints !== 'string' &&
    endpoints.some(
      (own) => own.name === name && own.host === host && own.port === port && own.group === group,
    )
  );
}

function nameRefusal(
  access: RouterAccessFacts,
  router: RouterCredentials,
  hosts: readonly string[],
): SiteRefusal | undefined {
  const unnamed = hosts.find((host) => !namesHost(routerNames(router.certificate), host));
  if (unnamed === undefined) return undefined;
  return {
    refused: 'link_access_unavailable',
    reason: `the certificate of the router at "${access.name}" does not name "${unnamed}" as a DNS name`,
    hint: `put the name under spec.subjectAlternativeNames of the RouterAccess "${access.name}"`,
  };
}

/** The CA's certificates. If `tls.crt` does not include the root, `ca.crt` has the rest (cert-manager). */
function chainOf({ tlsCrt, caCrt }: TlsSecret): string {
  if (caCrt === '' || tlsCrt === '') return tlsCrt;
  try {
    return [...new Set([tlsCrt, caCrt].flatMap(splitCertificates))].join('');
  } catch {
    // `loadAuthority` reports the problem.
    return tlsCrt;
  }
}

function noSecret(refused: SiteRefusal['refused'], what: string, name: string, why: NoSecret): SiteRefusal {
  switch (why) {
    case 'missing':
      return {
        refused,
        reason: `there is no Secret "${name}" with the ${what}`,
        hint: 'wait until it is created, or set another name',
      };
    case 'forbidden':
      return {
        refused,
        reason: `linkgrant may not read the Secret "${name}" with the ${what}`,
        hint: "add the Secret to the resourceNames of the service's Role",
      };
    case 'too_large':
      return {
        refused,
        reason: `the Secret "${name}" with the ${what} has ${OBJECT_LIMIT_TEXT}`,
        hint: 'remove all from it but tls.crt, tls.key and ca.crt',
      };
  }
}

import type { AccessGrant } from '../../domain/access-grant.js';
import type { Actor } from '../../domain/actor.js';
import { AdministrationError } from '../../domain/administration-error.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { ServiceDescription } from '../accepting/service-description.js';
import type { IsCaRetired } from '../issuers/retired-cas.js';
import type { Clock } from '../ports/clock.js';
import type { CodeKeys } from '../ports/code-keys.js';
import type { ConnectionObserver } from '../ports/connections.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuerDirectory } from '../ports/issuers.js';
import type { OutcomeStore } from '../ports/outcome-store.js';
import type { Site, SiteRefusal, SiteRequest } from '../ports/site.js';
import type { HealthFinding } from './reports/health-report.js';
import type { SharedVerification } from './verification-operations.js';

/** The site that accepts the links of a grant, and its present endpoints. */
export interface LinkAccess {
  /** Empty while a standalone site accepts no links. */
  readonly endpoints: readonly LinkEndpoint[];
  readonly siteUid: string | null;
}

/** Dependencies of the administration of a store. */
export interface AdministrationDependencies {
  /** The store of the actor. */
  readonly store: GrantStore;
  readonly actor: Actor;
  /** Stores the results of creations that can be repeated; if absent, a repeated request creates another object. */
  readonly outcomes?: OutcomeStore | undefined;
  readonly clock: Clock;
  readonly codeKeys: CodeKeys;
  /** The published description of the service on this store; undefined before its first start. */
  readService(): Promise<ServiceDescription | undefined>;
  /** Returns the endpoints of the grant's site, or why the site accepts no links, or why the requested CA cannot sign. */
  resolveAccess(request: SiteRequest, service: ServiceDescription): Promise<LinkAccess | SiteRefusal>;
  /** Opens the sites with the CAs that sign their links. Rejects with AdministrationError if a CA cannot be used. */
  openSite(service: ServiceDescription): Promise<Site>;
  readonly issuers: IssuerDirectory;
  /** Reads which CAs were retired; absent in a cluster, where linkgrant manages no CA of links. */
  readonly readRetiredCas?: (() => Promise<IsCaRetired>) | undefined;
  /** True if a file that the service reads declares this grant. */
  isDeclared(grant: AccessGrant, service: ServiceDescription): boolean;
  /** Runs the checks of the service's readiness; absent if no service runs in this process. */
  checkReadiness?: (() => Promise<readonly HealthFinding[]>) | undefined;
  /** Runs the checks of `doctor`; absent if no service runs in this process. */
  runDoctor?: (() => Promise<readonly HealthFinding[]>) | undefined;
  /** Shares the last verification of the ledger with other processes on the store; absent if there are none. */
  readonly sharedVerification?: SharedVerification | undefined;
  /** Observes which sites are connected; absent if no source reports them. */
  readonly connections?: ConnectionObserver | undefined;
}

/** Returns the published description. Throws AdministrationError if there is none. */
export async function requireService({
  readService,
}: Pick<AdministrationDependencies, 'readService'>): Promise<ServiceDescription> {
  const service = await readService();
  if (service) return service;
  throw new AdministrationError(
    'service_unknown',
    'no service has run on this store yet, so there is no URL for tokens',
  );
}

/**
 * Returns the service, and the site's uid and endpoints for links of a grant. Throws AdministrationError if there is no service,
 * or if the site refuses access. Does not throw while a standalone site has no endpoints.
 */
export async function requireAccess(
  request: SiteRequest,
  deps: AdministrationDependencies,
): Promise<LinkAccess & { readonly service: ServiceDescription }> {
  const service = await requireService(deps);
  const access = await deps.resolveAccess(request, service);
  if (!('refused' in access)) return { endpoints: access.endpoints, siteUid: access.siteUid, service };
  throw new AdministrationError('no_link_access', access.reason, { hint: access.hint });
}

/** Returns the grant with that uid. Throws AdministrationError if there is none. */
export async function requireGrant(
  uid: string,
  { store }: Pick<AdministrationDependencies, 'store'>,
): Promise<AccessGrant> {
  const grant = await store.findGrant(uid);
  if (grant) return grant;
  throw new AdministrationError('no_such_grant', `there is no grant ${uid}`);
}

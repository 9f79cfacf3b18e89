import type { AccessGrant } from '../../domain/access-grant.js';
import { AdministrationError } from '../../domain/administration-error.js';
import type { LinkEndpoint } from '../../domain/link.js';
import type { ServiceDescription } from '../accepting/service-description.js';
import type { Clock } from '../ports/clock.js';
import type { CodeKeys } from '../ports/code-keys.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { SiteRefusal, SiteRequest } from '../ports/site.js';

/** Where a link from a grant would lead now. */
export interface LinkAccess {
  /** Empty while a site without a platform accepts none. */
  readonly endpoints: readonly LinkEndpoint[];
  readonly siteUid: string | null;
}

/** What the administration of a store works with. */
export interface AdministrationDependencies {
  readonly store: GrantStore;
  readonly clock: Clock;
  /** The keys that signed tokens are made with here. */
  readonly codeKeys: CodeKeys;
  /** What the service on this store publishes; undefined before its first start. */
  readService(): Promise<ServiceDescription | undefined>;
  /** What the site behind the service gives to those who redeem, or why it gives nothing, or the asked CA cannot sign. */
  resolveAccess(asked: SiteRequest, service: ServiceDescription): Promise<LinkAccess | SiteRefusal>;
  /** Whether a file that the service reads declares this grant. */
  isDeclared(grant: AccessGrant, service: ServiceDescription): boolean;
}

/** The published description, or an error that says how to get one. */
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

/** Where a link from such a grant would lead; an error where it could never be of use. */
export async function requireAccess(
  asked: SiteRequest,
  deps: AdministrationDependencies,
): Promise<LinkAccess & { readonly service: ServiceDescription }> {
  const service = await requireService(deps);
  const access = await deps.resolveAccess(asked, service);
  if (!('refused' in access)) return { endpoints: access.endpoints, siteUid: access.siteUid, service };
  throw new AdministrationError('no_link_access', access.reason, { hint: access.hint });
}

/** The grant of that uid, or an error. */
export async function requireGrant(
  uid: string,
  { store }: Pick<AdministrationDependencies, 'store'>,
): Promise<AccessGrant> {
  const grant = await store.findGrant(uid);
  if (grant) return grant;
  throw new AdministrationError('no_such_grant', `there is no grant ${uid}`);
}

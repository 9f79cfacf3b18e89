import type { Actor } from '../domain/actor.js';
import { AdministrationError } from '../domain/administration-error.js';
import { isResourceName } from '../domain/names.js';
import { noEndpointOfRoles, withGrantRoles } from '../redemption/accepting/endpoint-roles.js';
import { readService } from '../redemption/accepting/service-description.js';
import type { Administration } from '../redemption/administration/administration.js';
import type { AdministrationDependencies } from '../redemption/administration/dependencies.js';
import { administrationOfStore } from '../redemption/administration/store-administration.js';
import type { SharedVerification } from '../redemption/administration/verification-operations.js';
import { readRetiredCas } from '../redemption/issuers/retired-cas.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { ConnectionObserver } from '../redemption/ports/connections.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import { openStandaloneSite } from './open-accepting-site.js';
import { openCodeKeys } from './open-code-keys.js';
import { type ExternalFiles, issuerDirectory } from './service-issuers.js';
import { namedIssuerRefusal } from './site-issuer.js';
import { isDeclared, openSystemSite } from './system-sites.js';

/** A store, the actor of its changes, and the data directory and external CA of the service that uses it. */
interface AdministeredStore extends ExternalFiles {
  readonly store: DatabaseStore;
  readonly actor: Actor;
  readonly dataDir: string;
  readonly clock: Clock;
  /** Run the checks of the service in this process: of its readiness, and of `doctor`. */
  readonly checkReadiness?: AdministrationDependencies['checkReadiness'];
  readonly runDoctor?: AdministrationDependencies['runDoctor'];
  readonly connections?: ConnectionObserver | undefined;
  /** Shares the last verification of the ledger with other processes. */
  readonly sharedVerification?: SharedVerification | undefined;
}

/** Dependencies of the administration of a store. */
export function administrationDependencies({
  dataDir,
  issuerCert,
  issuerKey,
  ...administered
}: AdministeredStore): AdministrationDependencies {
  const { store, clock } = administered;
  const readDescription = () => readService(store);
  const issuers = issuerDirectory({ dataDir, issuerCert, issuerKey, readService: readDescription }, clock);
  return {
    ...administered,
    store: store.actingAs(administered.actor),
    outcomes: store,
    codeKeys: openCodeKeys(dataDir, clock),
    readService: readDescription,
    issuers,
    readRetiredCas: () => readRetiredCas(issuers),
    async resolveAccess(request, { system, endpoints }) {
      if (system) return openSystemSite(system, clock).resolveAccess(request);
      const { issuer } = request;
      // The validation of the grant refuses an invalid name.
      const isNamed = issuer !== null && isResourceName(issuer);
      const refusal = isNamed ? namedIssuerRefusal(dataDir, issuer, clock()) : undefined;
      if (refusal) return refusal;
      const wanted = withGrantRoles(endpoints, request);
      const hasOnlyOtherRoles = wanted.length === 0 && endpoints.length > 0;
      return hasOnlyOtherRoles ? noEndpointOfRoles(endpoints, request) : { endpoints: wanted, siteUid: null };
    },
    async openSite(service) {
      if (service.system) return openSystemSite(service.system, clock);
      const site = openStandaloneSite({ dataDir, issuerCert, issuerKey }, service, clock);
      if (!('unavailable' in site)) return site;
      throw new AdministrationError('no_link_access', site.unavailable, { hint: site.hint });
    },
    isDeclared: (grant, { system }) => system !== undefined && isDeclared(system, grant),
  };
}

/** The administration of an open store. */
export function storeAdministration(administered: AdministeredStore): Administration {
  return administrationOfStore(administrationDependencies(administered));
}

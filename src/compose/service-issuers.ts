import type { Settings } from '../config/setting-schemas.js';
import { CertificateAuthorityError } from '../pki/authority.js';
import { EVERY_ROLE } from '../redemption/accepting/endpoint-roles.js';
import type { ServiceDescription } from '../redemption/accepting/service-description.js';
import { casOf, casOfAccess, siteIssuers } from '../redemption/issuers/listed-issuers.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { FoundCas, IssuerDirectory, ListedIssuer } from '../redemption/ports/issuers.js';
import { openIssuer, openIssuers, SERVER_CA, SITE_CA } from './site-issuer.js';
import { openSystemSite, servedNamespaces } from './system-sites.js';

/** The files of an external CA that replaces the site CA. */
export type ExternalFiles = Partial<Pick<Settings, 'issuerCert' | 'issuerKey'>>;

/** The locations of a service's CAs. */
export interface IssuerLocations extends ExternalFiles {
  readonly dataDir: string;
  /** Returns the published system sites of the service or the subject of its CA; undefined before its first start. */
  readService(): Promise<Partial<Pick<ServiceDescription, 'system' | 'issuer'>> | undefined>;
}

const EXTERNAL: ListedIssuer = {
  name: SITE_CA,
  namespace: null,
  owner: 'external',
  signs: 'links',
  isDefault: true,
};

/** The issuers of a service: those in its data directory, the external one, and those of its system sites. */
export function issuerDirectory(locations: IssuerLocations, clock: Clock): IssuerDirectory {
  const owned = openIssuers(locations.dataDir, { clock, checkpoint: () => {} });
  const readOwned = (name: string) => orProblem(() => ({ cas: owned.list(name) }));
  /** True if an external CA replaces the site CA: the settings name one, or the service published the subject of another CA. */
  const usesExternal = async (published: string | null | undefined): Promise<boolean> => {
    if (locations.issuerCert !== undefined) return true;
    const { cas, problem } = await readOwned(SITE_CA);
    return published != null && problem === undefined && !cas.some(({ subject }) => subject === published);
  };
  return {
    async list(used) {
      const { system, issuer } = (await locations.readService()) ?? {};
      const isExternal = !system && (await usesExternal(issuer));
      const own = owned.names().map((name): ListedIssuer => {
        const signs = name === SERVER_CA ? 'service' : 'links';
        const isDefault = name === SITE_CA && !isExternal && !system;
        return { name, namespace: null, owner: 'linkgrant', signs, isDefault };
      });
      if (!system) return [...own, ...(isExternal ? [EXTERNAL] : [])];
      const site = openSystemSite(system, clock);
      const ofSites = servedNamespaces(system).flatMap((namespace) =>
        siteIssuers(namespace, site.defaultIssuer(namespace), used),
      );
      // The other issuers of the data directory are of an earlier standalone service; grants of system sites cannot request them.
      return [...own.filter(({ name }) => name === SERVER_CA), ...ofSites];
    },
    async read({ name, namespace, owner }) {
      if (owner === 'linkgrant') return readOwned(name);
      const { system, issuer } = (await locations.readService()) ?? {};
      if (!system || namespace === null) return readExternal(locations, issuer, clock());
      const site = openSystemSite(system, clock);
      return casOfAccess(
        await site.resolveAccess({ namespace, name: namespace, issuer: name, policy: EVERY_ROLE }),
      );
    },
  };
}

async function readExternal(
  locations: IssuerLocations,
  published: string | null | undefined,
  now: number,
): Promise<FoundCas> {
  if (locations.issuerCert === undefined) {
    const problem = `the files of the CA "${published}", which signs for the service, are not known here: they are neither in the directory issuers nor set by --issuer-cert`;
    return { cas: [], problem };
  }
  return orProblem(async () => {
    const found = (await openIssuer(locations, now)).find(now);
    return typeof found === 'string' ? { cas: [], problem: found } : { cas: casOf(found, found.trustPem) };
  });
}

/** Returns the result of `read`, or the problem if the files of the CA cannot be used. */
async function orProblem(read: () => FoundCas | Promise<FoundCas>): Promise<FoundCas> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof CertificateAuthorityError) return { cas: [], problem: error.message };
    throw error;
  }
}

import type { Settings } from '../config/setting-schemas.js';
import { ConfigurationError } from '../domain/configuration-error.js';
import { SITE_CA } from '../domain/names.js';
import { type CertificateAuthority, CertificateAuthorityError } from '../pki/authority.js';
import { issueIdentity, type TrustedAuthority } from '../pki/server-identity.js';
import { openDataDirectory, pathsAccessibleToOthers } from '../platforms/standalone/data-directory.js';
import { ExternalAuthority } from '../platforms/standalone/external-authority.js';
import { openIssuers } from '../platforms/standalone/issuer-rotation.js';
import { OwnedAuthorities, readAuthority, SERVER_CA } from '../platforms/standalone/owned-authorities.js';
import { ISSUER_CHECK_INTERVAL_MS, issuerOfLinks } from '../platforms/standalone/site.js';
import { readService, type ServiceDescription } from '../redemption/accepting/service-description.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { IssuerCa } from '../redemption/ports/issuers.js';
import type { SiteRefusal } from '../redemption/ports/site.js';

export { ISSUER_CHECK_INTERVAL_MS, openIssuers, pathsAccessibleToOthers, SERVER_CA, SITE_CA };

/** The CA that signs links unless a grant names another one; it is read again when its files change. */
export interface DefaultIssuer {
  /** Returns the CA, or a sentence that says why it cannot be used. */
  find(now: number): TrustedAuthority | string;
  /** Why a previous CA is in use instead of that in the files; undefined if the CA in the files is in use. */
  readonly problem: string | undefined;
}

/**
 * Opens the external CA, else the site CA of the data directory, which is created at the first use. Rejects with
 * CertificateAuthorityError unless the CA can sign now.
 */
export async function openIssuer(
  {
    dataDir,
    issuerCert,
    issuerKey,
  }: Pick<Settings, 'dataDir'> & Partial<Pick<Settings, 'issuerCert' | 'issuerKey'>>,
  now: number,
): Promise<DefaultIssuer> {
  if (issuerCert !== undefined && issuerKey !== undefined) {
    return new ExternalAuthority(issuerCert, issuerKey, now);
  }
  openDataDirectory(dataDir);
  const authorities = new OwnedAuthorities(dataDir);
  await authorities.ensure(SITE_CA, 'linkgrant site CA', now);
  return { find: (at) => authorities.find(SITE_CA, at), problem: undefined };
}

/**
 * Returns the error for a start that would replace a CA of links or tokens in the store by a new one; undefined if no such CA is
 * missing. It is missing after a restore of the database alone, or on another host with the same PostgreSQL store.
 */
export async function missingCa(
  { dataDir, platform, issuerCert, tlsCert }: Settings,
  store: DatabaseStore,
  now: number,
): Promise<ConfigurationError | undefined> {
  const issuers = openIssuers(dataDir, { clock: () => now, checkpoint: () => {} });
  const names = issuers.names();
  const present = new Set(names.flatMap((name) => issuers.list(name).map(({ sha256 }) => sha256)));
  const error = (what: string, sha256: string, flags: string) =>
    new ConfigurationError(
      `${what} the CA ${sha256}, which is not in ${dataDir}/issuers`,
      `copy issuers/ and code-keys/ from the previous data directory or its backup; if this CA is in your own files, set ${flags}`,
    );
  if (platform === 'standalone' && issuerCert === undefined && !names.includes(SITE_CA)) {
    const dependents = [...(await store.countDependents(now))];
    const [sha256, links] = dependents.find(([ca]) => !present.has(ca)) ?? [];
    if (sha256 !== undefined) {
      const count = `${links} ${links === 1 ? 'link' : 'links'}`;
      return error(`the store has ${count} of`, sha256, '--issuer-cert and --issuer-key');
    }
  }
  if (tlsCert !== undefined || names.includes(SERVER_CA)) return undefined;
  const { caSha256 } = (await readService(store)) ?? {};
  if (caSha256 === undefined || present.has(caSha256)) return undefined;
  const hasLinks = (await store.countIssuedBefore(now, now)) > 0;
  if (!hasLinks && !(await store.hasGrantCreatedBefore(now, now))) return undefined;
  return error('links or tokens of the store trust', caSha256, '--tls-cert, --tls-key and --tls-ca');
}

/** Creates an issuer that grants can name; false if one of that name exists. */
export async function createIssuer(dataDir: string, name: string, now: number): Promise<boolean> {
  openDataDirectory(dataDir);
  const isNew = openIssuers(dataDir, { clock: () => now, checkpoint: () => {} }).list(name).length === 0;
  await new OwnedAuthorities(dataDir).ensure(name, `linkgrant ${name}`, now);
  return isNew;
}

/** The service's own CA, which its clients have to trust; undefined if there is none or it is unusable. */
export function serverTrust(
  dataDir: string,
  now: number,
): Pick<ServiceDescription, 'ca' | 'caSha256'> | undefined {
  try {
    const { trustPem: ca, sha256: caSha256 } = new OwnedAuthorities(dataDir).current(SERVER_CA, now);
    return { ca, caSha256 };
  } catch (error) {
    if (error instanceof CertificateAuthorityError) return undefined;
    throw error;
  }
}

/** Returns the CA of an issuer, or a sentence that says why it cannot be used. An external CA replaces the site CA. */
export async function findIssuer(
  settings: Settings,
  name: string,
  now: number,
): Promise<TrustedAuthority | string> {
  if (name === SITE_CA) return (await openIssuer(settings, now)).find(now);
  return new OwnedAuthorities(settings.dataDir).find(name, now);
}

/** An active, prepared or retiring CA with its key. Throws CertificateAuthorityError unless it is valid at `now`. */
export function readCa({ certificateFile, keyFile }: IssuerCa, now: number): CertificateAuthority {
  return readAuthority(certificateFile, keyFile, now);
}

/** Why a CA of the data directory cannot sign the links of a standalone site; undefined if it can. */
export function namedIssuerRefusal(dataDir: string, name: string, now: number): SiteRefusal | undefined {
  const found = issuerOfLinks(new OwnedAuthorities(dataDir).find(name, now), now);
  return 'refused' in found ? found : undefined;
}

/** Issues a server certificate for a router at `hosts`; PEM, valid for a year, `ca` with all CAs to trust. */
export async function issueSiteCertificate(
  settings: Settings,
  { issuer, hosts }: { readonly issuer: string; readonly hosts: readonly string[] },
  now: number,
) {
  const found = await findIssuer(settings, issuer, now);
  if (typeof found === 'string') throw new CertificateAuthorityError(found);
  return issueIdentity(found, hosts, now);
}

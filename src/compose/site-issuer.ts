import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../config/setting-schemas.js';
import { type CertificateAuthority, CertificateAuthorityError } from '../pki/authority.js';
import { openDataDirectory, openToOthers } from '../platforms/standalone/data-directory.js';
import { ExternalAuthority } from '../platforms/standalone/external-authority.js';
import { issuerRotation } from '../platforms/standalone/issuer-rotation.js';
import {
  OwnedAuthorities,
  readAuthority,
  SERVER_CA,
  SITE_CA,
} from '../platforms/standalone/owned-authorities.js';
import { issuerOfLinks } from '../platforms/standalone/site.js';
import type { ServiceDescription } from '../redemption/accepting/service-description.js';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import type { IssuerCa, RotatingIssuers } from '../redemption/ports/issuers.js';
import { issueIdentity, type TrustedAuthority } from '../redemption/ports/server-identity.js';
import type { SiteRefusal } from '../redemption/ports/site.js';

export { openToOthers, SERVER_CA, SITE_CA };

/** The CA that signs links where no grant names another, followed as it changes. */
export interface DefaultIssuer {
  /** As it is now, or in a sentence why it cannot be used. */
  find(now: number): TrustedAuthority | string;
  /** Why what it would be now is not in use, and one before it is; undefined where that is not so. */
  readonly problem: string | undefined;
}

/**
 * A given CA, else the site CA of the data directory, made on first use. Throws CertificateAuthorityError unless it can sign
 * now.
 */
export async function openIssuer(settings: Settings, now: number): Promise<DefaultIssuer> {
  const { dataDir, issuerCert, issuerKey } = settings;
  if (issuerCert !== undefined && issuerKey !== undefined) {
    return new ExternalAuthority(issuerCert, issuerKey, now);
  }
  openDataDirectory(dataDir);
  const authorities = new OwnedAuthorities(dataDir);
  await authorities.ensure(SITE_CA, 'linkgrant site CA', now);
  return { find: (at) => authorities.find(SITE_CA, at), problem: undefined };
}

/** Makes an issuer for grants that name it; false, and nothing changed, where there is one of that name. */
export async function createIssuer(dataDir: string, name: string, now: number): Promise<boolean> {
  openDataDirectory(dataDir);
  const isNew = openIssuers(dataDir, { clock: () => now, checkpoint: () => {} }).list(name).length === 0;
  await new OwnedAuthorities(dataDir).ensure(name, `linkgrant ${name}`, now);
  return isNew;
}

/** The issuers of the data directory, to be listed and changed. */
export function openIssuers(
  dataDir: string,
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): RotatingIssuers {
  return issuerRotation(dataDir, { ...context, wait: sleep });
}

/** What clients of the service have to trust, where its certificate is of its own CA; undefined while that cannot be used. */
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

/** A CA that signs links: for the name of the site CA a given one if there is one; or in a sentence why there is none. */
export async function findIssuer(
  settings: Settings,
  name: string,
  now: number,
): Promise<TrustedAuthority | string> {
  if (name === SITE_CA) return (await openIssuer(settings, now)).find(now);
  return new OwnedAuthorities(settings.dataDir).find(name, now);
}

/** A CA of an issuer with its key, whatever it does there. Throws CertificateAuthorityError unless it is valid at `now`. */
export function readCa({ certificateFile, keyFile }: IssuerCa, now: number): CertificateAuthority {
  return readAuthority(certificateFile, keyFile, now);
}

/** Why a CA of the data directory cannot sign the links of a site without a platform; undefined where it can. */
export function namedIssuerRefusal(dataDir: string, name: string, now: number): SiteRefusal | undefined {
  const found = issuerOfLinks(new OwnedAuthorities(dataDir).find(name, now), now);
  return 'refused' in found ? found : undefined;
}

/** A server certificate from a CA for a router at `hosts`; PEM, valid for a year, `ca` with all that is to be trusted. */
export async function issueSiteCertificate(
  settings: Settings,
  { issuer, hosts }: { readonly issuer: string; readonly hosts: readonly string[] },
  now: number,
) {
  const found = await findIssuer(settings, issuer, now);
  if (typeof found === 'string') throw new CertificateAuthorityError(found);
  return issueIdentity(found, hosts, now);
}

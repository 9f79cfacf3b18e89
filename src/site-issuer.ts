import { type CertificateAuthority, CertificateAuthorityError } from './pki/authority.js';
import { openDataDirectory, openToOthers } from './platforms/standalone/data-directory.js';
import { OwnedAuthorities, readAuthority, SITE_CA } from './platforms/standalone/owned-authorities.js';
import { issueIdentity } from './platforms/standalone/server-identity.js';
import { issuerOfLinks } from './platforms/standalone/site.js';
import type { SiteRefusal } from './redemption/site.js';
import type { Settings } from './setting-schemas.js';

export { openToOthers };

/** The CA that signs links: a given one, else the site CA of the data directory, made on first use. */
export async function openIssuer(settings: Settings, now: number): Promise<CertificateAuthority> {
  const { dataDir, issuerCert, issuerKey } = settings;
  if (issuerCert !== undefined && issuerKey !== undefined) {
    const given = readAuthority(issuerCert, issuerKey, now);
    if (given.signsFor.client) return given;
    throw new CertificateAuthorityError(
      `${issuerCert} may not sign certificates of TLS clients (extendedKeyUsage)`,
    );
  }
  openDataDirectory(dataDir);
  return new OwnedAuthorities(dataDir).ensure(SITE_CA, 'linkgrant site CA', now);
}

/** Why a CA of the data directory cannot sign the links of a site without a platform; undefined where it can. */
export function namedIssuerRefusal(dataDir: string, name: string, now: number): SiteRefusal | undefined {
  const found = issuerOfLinks(new OwnedAuthorities(dataDir).find(name, now), now);
  return 'refused' in found ? found : undefined;
}

/** A server certificate from the site CA for a router at `hosts`; PEM, valid for a year. */
export async function issueSiteCertificate(settings: Settings, hosts: readonly string[], now: number) {
  return issueIdentity(await openIssuer(settings, now), hosts, now);
}

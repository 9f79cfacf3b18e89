import type { Settings } from '../config/setting-schemas.js';
import { SITE_CA } from '../domain/names.js';
import { describeCertificate, splitCertificates } from '../pki/certificate-info.js';
import { OwnedAuthorities, readAuthority } from '../platforms/standalone/owned-authorities.js';
import { StandaloneSite } from '../platforms/standalone/site.js';
import type { ServiceDescription } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { Site } from '../redemption/ports/site.js';
import type { ExternalFiles } from './service-issuers.js';
import { openSystemSite, systemOf } from './system-sites.js';

/** Why an accepting site cannot be opened, and what the user can do. */
interface UnavailableSite {
  readonly unavailable: string;
  readonly hint: string;
}

/**
 * Opens the accepting site for a command, without a running service: a system site from its namespace, a standalone site from
 * the published description of the service on this store and from its CA. Returns the reason if it cannot be opened; throws
 * CertificateAuthorityError if an external CA is unusable.
 */
export function openAcceptingSite(
  settings: Settings,
  service: ServiceDescription | undefined,
  clock: Clock,
): Site | UnavailableSite {
  if (settings.platform !== 'standalone') {
    const place = service?.system ?? systemOf(settings);
    return openSystemSite({ ...place, hosts: settings.host ?? place.hosts }, clock);
  }
  return openStandaloneSite(settings, service, clock);
}

/** Opens a standalone accepting site, as {@link openAcceptingSite} does. */
export function openStandaloneSite(
  settings: ExternalFiles & Pick<Settings, 'dataDir'> & Partial<Pick<Settings, 'endpoint'>>,
  service: ServiceDescription | undefined,
  clock: Clock,
): Site | UnavailableSite {
  const now = clock();
  const { dataDir, issuerCert, issuerKey } = settings;
  const authorities = new OwnedAuthorities(dataDir);
  const defaultIssuer =
    issuerCert !== undefined && issuerKey !== undefined
      ? readAuthority(issuerCert, issuerKey, now)
      : authorities.find(SITE_CA, now);
  if (!service || typeof defaultIssuer === 'string') {
    return {
      unavailable: typeof defaultIssuer === 'string' ? defaultIssuer : 'no service has run on this store yet',
      hint: 'start `linkgrant serve` once with the same --data-dir and --endpoint; it need not keep running',
    };
  }
  // The service may have published its description before a rotation.
  const trusted = splitCertificates(defaultIssuer.trustPem).map((pem) => describeCertificate(pem).subject);
  if (service.issuer === null || !trusted.includes(service.issuer)) {
    return {
      unavailable: `the service signs with "${service.issuer}", but this command would use "${defaultIssuer.description}"`,
      hint: 'pass the --issuer-cert and --issuer-key of the service, or its --config',
    };
  }
  return new StandaloneSite({
    endpoints: settings.endpoint ?? service.endpoints,
    defaultIssuer: () => defaultIssuer,
    findIssuer: (name) => authorities.find(name, now),
    clock,
  });
}

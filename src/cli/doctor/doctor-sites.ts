import { openAcceptingSite } from '../../compose/open-accepting-site.js';
import { siteReports, systemOf } from '../../compose/system-sites.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { certificateState } from '../../domain/issued-certificate.js';
import { EVERY_ROLE } from '../../redemption/accepting/endpoint-roles.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { SiteAccess } from '../../redemption/ports/site.js';
import { platformOf } from '../issuer/issuer-session.js';
import { formatTime } from '../terminal/output.js';
import { type Check, downgradeToWarning, fail, ok, warn } from './doctor-check.js';

/** Checks that the sites of the service accept links now: all sites, or only the site in the namespace of the settings. */
export async function checkSites(
  settings: Settings,
  service: ServiceDescription | undefined,
): Promise<Check[]> {
  const platform = platformOf({ settings, service });
  if (platform === 'standalone') return service ? [await checkEndpoints(settings, service)] : [];
  const { clock } = commandContext();
  const system = service?.system ?? systemOf(settings);
  const place = { ...system, hosts: settings.host ?? system.hosts, platform };
  const reports = await siteReports(place, clock, settings.namespace);
  if (reports.length === 0) {
    const flags = `-n default -p ${platform}`;
    const hint = `create one with \`skupper site create NAME --enable-link-access ${flags}\` and start it with \`skupper system start ${flags}\`, or set another --skupper-home`;
    return [fail('sites', `no namespace below ${place.skupperHome} has a site`, hint)];
  }
  // A site that only requests links is no failure if --namespace selects it, or if another site accepts links.
  const mayRequestOnly =
    settings.namespace !== undefined || reports.some(({ access }) => !('refused' in access));
  return reports.map(({ namespace, access, otherPlatform }) => {
    const label = `site ${namespace}`;
    if ('refused' in access) {
      const failure = fail(label, access.reason, access.hint);
      return access.isRequestOnly && mayRequestOnly ? downgradeToWarning(failure) : failure;
    }
    if (otherPlatform !== undefined) {
      return warn(
        label,
        `it runs on ${otherPlatform}, not on ${platform}`,
        `use --platform ${otherPlatform}`,
      );
    }
    return checkAccess(label, access, clock());
  });
}

async function checkEndpoints(settings: Settings, service: ServiceDescription): Promise<Check> {
  const site = openAcceptingSite(settings, service, commandContext().clock);
  if ('unavailable' in site) return fail('endpoints', site.unavailable, site.hint, 2);
  const request = { namespace: 'default', name: 'default', issuer: null, policy: EVERY_ROLE };
  const access = await site.resolveAccess(request);
  if ('refused' in access) return fail('endpoints', access.reason, access.hint);
  // The CAs of the data directory have their own check.
  return checkAccess('endpoints', access, undefined);
}

function checkAccess(label: string, { endpoints, issuer }: SiteAccess, now: number | undefined): Check {
  const detail = `links connect to ${endpoints.map(formatEndpoint).join(', ')}`;
  if (now === undefined || certificateState(issuer, now) !== 'expiring') return ok(label, detail);
  const ending = `${detail}; its CA ${issuer.description} expires at ${formatTime(issuer.notAfter)}`;
  return warn(label, ending, 'replace the CA of the site, then recreate the links to the site');
}

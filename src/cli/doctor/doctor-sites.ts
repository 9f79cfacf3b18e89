import { type LinkDialOptions, openAcceptingSite, siteNamespaces } from '../../compose/links.js';
import { otherPlatform } from '../../compose/system-sites.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { certificateLife } from '../../domain/issued-certificate.js';
import { EVERY_ROLE } from '../../redemption/accepting/endpoint-roles.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { Site, SiteAccess } from '../../redemption/ports/site.js';
import { platformOf } from '../issuer/issuer-session.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { formatTime } from '../terminal/output.js';
import { type Check, downgradeToWarning, fail, ok, warn } from './doctor-check.js';

type Access = Awaited<ReturnType<Site['resolveAccess']>>;
type Refusal = Exclude<Access, SiteAccess>;

/** Checks that the sites of the service accept links now: all sites, or only the site in the namespace of the settings. */
export async function checkSites(
  settings: Settings,
  service: ServiceDescription | undefined,
  { clock }: LinkDialOptions,
): Promise<Check[]> {
  const { namespace } = settings;
  const system = service?.system;
  const platform = platformOf({ settings, service });
  const skupperHome = system?.skupperHome ?? settings.skupperHome;
  const isSystem = platform !== 'standalone';
  if (!isSystem && !service) return [];
  const site = openAcceptingSite({ ...settings, platform }, service, clock);
  if ('unavailable' in site) return [fail('endpoints', site.unavailable, site.hint, 2)];
  const all = isSystem ? siteNamespaces(skupperHome) : ['default'];
  const selectedNamespace = namespace ?? system?.namespace;
  const namespaces = selectedNamespace === undefined ? all : [selectedNamespace];
  if (namespaces.length === 0) {
    const flags = `-n default -p ${platform}`;
    const hint = `create one with \`skupper site create NAME --enable-link-access ${flags}\` and start it with \`skupper system start ${flags}\`, or set another --skupper-home`;
    return [fail('sites', `no namespace below ${skupperHome} has a site`, hint)];
  }
  const sites = await Promise.all(
    namespaces.map(async (name) => {
      const request = { namespace: name, name, issuer: null, policy: EVERY_ROLE };
      const access = await site.resolveAccess(request);
      return { name, access };
    }),
  );
  // A site that only requests links is no failure if --namespace selects it, or if another site accepts links.
  const mayRequestOnly = namespace !== undefined || sites.some(({ access }) => !('refused' in access));
  return sites.map(({ name, access }) => {
    const label = isSystem ? `site ${name}` : 'endpoints';
    if ('refused' in access) return reportRefusal(label, access, mayRequestOnly);
    const other = isSystem ? otherPlatform({ skupperHome, platform }, name) : undefined;
    if (other !== undefined) {
      return warn(label, `it runs on ${other}, not on ${platform}`, `use --platform ${other}`);
    }
    // The CAs of the data directory have their own check.
    return checkAccess(label, access, isSystem ? clock() : undefined);
  });
}

function checkAccess(label: string, { endpoints, issuer }: SiteAccess, now: number | undefined): Check {
  const detail = `links connect to ${endpoints.map(formatEndpoint).join(', ')}`;
  if (now === undefined || certificateLife(issuer, now) !== 'ending') return ok(label, detail);
  const ending = `${detail}; its CA ${issuer.description} expires at ${formatTime(issuer.notAfter)}`;
  return warn(label, ending, 'replace the CA of the site, then recreate the links to the site');
}

function reportRefusal(label: string, refusal: Refusal, mayRequestOnly: boolean): Check {
  const { refused } = refusal;
  if (!('reason' in refusal)) {
    return fail(label, `the site accepts no links now (${refused})`, adviceFor(refused).hint);
  }
  const { reason, hint, isRequestOnly } = refusal;
  const failure = fail(label, reason, hint);
  return isRequestOnly && mayRequestOnly ? downgradeToWarning(failure) : failure;
}

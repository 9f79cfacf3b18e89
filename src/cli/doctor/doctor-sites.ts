import { type LinkDialOptions, openAcceptingSite, siteNamespaces } from '../../compose/links.js';
import { otherPlatform } from '../../compose/system-sites.js';
import type { Settings } from '../../config/setting-schemas.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import type { ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { Site, SiteAccess } from '../../redemption/ports/site.js';
import { certificateLife } from '../../redemption/requesting/certificate-life.js';
import { adviceFor } from '../terminal/exit-codes.js';
import { formatTime } from '../terminal/output.js';
import { type Check, fail, ok, warn } from './doctor-check.js';

type Access = Awaited<ReturnType<Site['resolveAccess']>>;
type Refusal = Exclude<Access, SiteAccess>;

/** Checks that the served sites issue links now: all of them, or the one of `namespace`. */
export async function siteChecks(
  settings: Settings,
  service: ServiceDescription | undefined,
  namespace: string | undefined,
  { clock }: LinkDialOptions,
): Promise<Check[]> {
  const system = service?.system;
  // The platform of the service is known without a flag.
  const platform = settings.platform === 'standalone' && service ? service.platform : settings.platform;
  const skupperHome = system?.skupperHome ?? settings.skupperHome;
  const isSystem = platform !== 'standalone';
  if (!isSystem && !service) return [];
  const site = openAcceptingSite({ ...settings, platform }, service, clock);
  if ('unavailable' in site) return [fail('endpoints', site.unavailable, site.hint, 2)];
  const all = isSystem ? siteNamespaces(skupperHome) : ['default'];
  const only = namespace ?? system?.namespace;
  const namespaces = only === undefined ? all : [only];
  if (namespaces.length === 0) {
    const words = `-n default -p ${platform}`;
    const hint = `create one with \`skupper site create NAME --enable-link-access ${words}\` and start it with \`skupper system start ${words}\`, or name another --skupper-home`;
    return [fail('sites', `no namespace below ${skupperHome} has a site`, hint)];
  }
  const asked = await Promise.all(
    namespaces.map(async (name) => {
      const access = await site.resolveAccess({ namespace: name, name, issuer: null });
      return { name, access };
    }),
  );
  // One site that accepts links is enough; another may only link to others.
  const isEnough = namespace !== undefined || asked.some(({ access }) => !('refused' in access));
  return asked.map(({ name, access }) => {
    const label = isSystem ? `site ${name}` : 'endpoints';
    if ('refused' in access) return refusedCheck(label, access, isEnough);
    const other = isSystem ? otherPlatform({ skupperHome, platform }, name) : undefined;
    if (other !== undefined) {
      return warn(label, `it runs on ${other}, not on ${platform}`, `use --platform ${other}`);
    }
    // The CAs of the data directory have their own check.
    return accessCheck(label, access, isSystem ? clock() : undefined);
  });
}

function accessCheck(label: string, { endpoints, issuer }: SiteAccess, now: number | undefined): Check {
  const shown = endpoints.map(formatEndpoint);
  const detail = `links lead to ${shown.join(', ')}`;
  if (now === undefined || certificateLife(issuer, now) !== 'ending') return ok(label, detail);
  const ending = `${detail}; its CA ${issuer.description} ends ${formatTime(issuer.notAfter)}`;
  return warn(label, ending, 'renew the CA of the site, after which its links have to be made anew');
}

function refusedCheck(label: string, refusal: Refusal, isEnough: boolean): Check {
  const { refused } = refusal;
  if (!('reason' in refusal)) {
    return fail(label, `the site gives no link now (${refused})`, adviceFor(refused).hint);
  }
  const { reason, hint, requestsOnly } = refusal;
  if (requestsOnly && isEnough) return warn(label, reason, `only to accept links here: ${hint}`);
  return fail(label, reason, hint);
}

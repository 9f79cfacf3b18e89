import { grantFileExists } from './platforms/system/grant-files.js';
import { SkupperHome } from './platforms/system/skupper-home.js';
import { SystemSite } from './platforms/system/system-site.js';
import type { Clock } from './redemption/clock.js';
import type { ServiceDescription } from './redemption/service-description.js';
import type { SiteAccess, SiteRefusal } from './redemption/site.js';
import type { Settings } from './setting-schemas.js';

/** Where system sites are read. */
export type SystemPlace = NonNullable<ServiceDescription['system']>;

/** The place that these settings mean. */
export function systemOf({ skupperHome, host, namespace }: Settings): SystemPlace {
  return { skupperHome, hosts: host ?? [], ...(namespace !== undefined && { namespace }) };
}

/** The sites of a system platform. */
export function openSystemSite({ skupperHome, hosts, namespace }: SystemPlace, clock: Clock): SystemSite {
  return new SystemSite({ home: new SkupperHome(skupperHome), hosts, only: namespace, clock });
}

/** What each served site gives to those who redeem, or why it gives nothing now. */
export async function siteReports(
  place: SystemPlace,
  clock: Clock,
): Promise<readonly { readonly namespace: string; readonly access: SiteAccess | SiteRefusal }[]> {
  const home = new SkupperHome(place.skupperHome);
  const site = openSystemSite(place, clock);
  const namespaces = place.namespace === undefined ? home.namespaces() : [place.namespace];
  const asked = namespaces.map((namespace) => ({ namespace, name: namespace, issuer: null }));
  return Promise.all(
    asked.map(async (request) => ({
      namespace: request.namespace,
      access: await site.resolveAccess(request),
    })),
  );
}

/** Whether a file that the service reads declares this grant. */
export function isDeclared(
  { skupperHome }: SystemPlace,
  { namespace, sourceFile }: { readonly namespace: string; readonly sourceFile: string | null },
): boolean {
  return sourceFile !== null && grantFileExists(new SkupperHome(skupperHome), namespace, sourceFile);
}

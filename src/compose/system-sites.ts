import type { Settings } from '../config/setting-schemas.js';
import { grantFileExists } from '../platforms/system/grant-files.js';
import { SkupperHome, startedPlatform } from '../platforms/system/skupper-home.js';
import { SystemSite } from '../platforms/system/system-site.js';
import { EVERY_ROLE } from '../redemption/accepting/endpoint-roles.js';
import type { SystemPlace } from '../redemption/accepting/service-description.js';
import type { Clock } from '../redemption/ports/clock.js';
import type { SiteAccess, SiteRefusal } from '../redemption/ports/site.js';

/** Returns the Skupper directory and the selection of sites in the settings. */
export function systemOf({ skupperHome, host, namespace, platform }: Settings): SystemPlace {
  return { skupperHome, hosts: host ?? [], platform, namespace };
}

/** The sites of a system platform. */
export function openSystemSite(place: SystemPlace, clock: Clock): SystemSite {
  return new SystemSite(place, clock);
}

/** The access of a served site, or why it refuses redemptions now. */
export interface SiteReport {
  readonly namespace: string;
  readonly access: SiteAccess | SiteRefusal;
  /** The platform on which the site was started, if it differs from the service's. */
  readonly otherPlatform: string | undefined;
}

/** Returns the platform on which a namespace was started, if it differs from that of the service. */
export function otherPlatform(
  { skupperHome, platform }: Pick<SystemPlace, 'skupperHome' | 'platform'>,
  namespace: string,
): string | undefined {
  const used = startedPlatform(new SkupperHome(skupperHome).namespace(namespace));
  return used === platform ? undefined : used;
}

/** The namespaces whose sites are served. */
export function servedNamespaces({ skupperHome, namespace }: SystemPlace): readonly string[] {
  return namespace === undefined ? new SkupperHome(skupperHome).namespaces() : [namespace];
}

/** Reports each served site. */
export async function siteReports(place: SystemPlace, clock: Clock): Promise<readonly SiteReport[]> {
  const site = openSystemSite(place, clock);
  return Promise.all(
    servedNamespaces(place).map(async (namespace) => ({
      namespace,
      access: await site.resolveAccess({ namespace, name: namespace, issuer: null, policy: EVERY_ROLE }),
      otherPlatform: otherPlatform(place, namespace),
    })),
  );
}

/** True if an existing file that the service reads declares this grant. */
export function isDeclared(
  { skupperHome }: SystemPlace,
  { namespace, sourceFile }: { readonly namespace: string; readonly sourceFile: string | null },
): boolean {
  return sourceFile !== null && grantFileExists(new SkupperHome(skupperHome), namespace, sourceFile);
}

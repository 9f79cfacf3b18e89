import type { Settings } from '../config/setting-schemas.js';
import { UnreadableFileError } from '../files/file-error.js';
import { grantFileExists } from '../platforms/system/grant-files.js';
import { readSiteState } from '../platforms/system/site-state.js';
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

/** The namespaces whose sites are served. */
export function servedNamespaces({ skupperHome, namespace }: SystemPlace): readonly string[] {
  return namespace === undefined ? new SkupperHome(skupperHome).namespaces() : [namespace];
}

/** Reports the site of the namespace `selected`; by default each served site, started or not. */
export async function siteReports(
  place: SystemPlace,
  clock: Clock,
  selected = place.namespace,
): Promise<readonly SiteReport[]> {
  const site = openSystemSite(place, clock);
  const home = new SkupperHome(place.skupperHome);
  const namespaces =
    selected === undefined ? home.namespaces().filter((name) => hasSite(home, name)) : [selected];
  return Promise.all(
    namespaces.map(async (namespace) => {
      const platform = startedPlatform(home.namespace(namespace));
      return {
        namespace,
        access: await site.resolveAccess({ namespace, name: namespace, issuer: null, policy: EVERY_ROLE }),
        otherPlatform: platform === place.platform ? undefined : platform,
      };
    }),
  );
}

function hasSite(home: SkupperHome, namespace: string): boolean {
  try {
    return readSiteState(home.namespace(namespace)) !== 'no-site';
  } catch (error) {
    // The report of an unreadable site has the reason.
    if (error instanceof UnreadableFileError) return true;
    throw error;
  }
}

/** True if an existing file that the service reads declares this grant. */
export function isDeclared(
  { skupperHome }: SystemPlace,
  { namespace, sourceFile }: { readonly namespace: string; readonly sourceFile: string | null },
): boolean {
  return sourceFile !== null && grantFileExists(new SkupperHome(skupperHome), namespace, sourceFile);
}

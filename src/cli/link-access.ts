import type { LinkEndpoint } from '../domain/link.js';
import { isResourceName } from '../domain/names.js';
import type { SiteRefusal } from '../redemption/site.js';
import { namedIssuerRefusal } from '../site-issuer.js';
import { openSystemSite } from '../system-side.js';
import { CommandError } from './command-error.js';
import { requireService, type StoreSession } from './store-session.js';

/** Where a link from a new grant would lead. */
export interface LinkAccess {
  /** Empty while a site without a platform accepts none. */
  readonly endpoints: readonly LinkEndpoint[];
  readonly siteUid: string | null;
}

/**
 * What the site behind the service gives to those who redeem. Where a platform tells why it gives nothing, or the CA that
 * was asked for cannot sign, that is an error, so that no grant is made which could never be of use.
 */
export async function requireLinkAccess(
  session: StoreSession,
  asked: { readonly namespace: string; readonly name: string; readonly issuer: string | null },
): Promise<LinkAccess> {
  const { system, endpoints } = requireService(session);
  if (!system) {
    const { issuer } = asked;
    // What is no name at all is refused with the grant's other values.
    const isNamed = issuer !== null && isResourceName(issuer);
    const refusal = isNamed ? namedIssuerRefusal(session.dataDir, issuer, session.clock()) : undefined;
    if (refusal) throw refused(refusal);
    return { endpoints, siteUid: null };
  }
  const access = await openSystemSite(system, session.clock).resolveAccess(asked);
  if ('refused' in access) throw refused(access);
  return access;
}

function refused({ reason, hint }: SiteRefusal): CommandError {
  return new CommandError(reason, { exitCode: 1, hint });
}

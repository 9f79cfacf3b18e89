import { RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { IssuedLink, LinkStore } from '../ports/link-store.js';
import { everyItem } from '../ports/page.js';

/**
 * The links of one grant, or of all, that are not revoked and can connect or be renewed, oldest first; only those that `matches`
 * accepts.
 */
export async function liveLinks(
  store: Pick<LinkStore, 'listLinks'>,
  grantUid: string | undefined,
  now: number,
  matches: (link: IssuedLink) => boolean,
): Promise<IssuedLink[]> {
  const isLive = (link: IssuedLink) =>
    link.revokedAt === null && link.notAfter + RENEWAL_GRACE_MS > now && matches(link);
  const links = await everyItem((page) => store.listLinks({ ...page, grantUid }, isLive));
  return links.reverse();
}

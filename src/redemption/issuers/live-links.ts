import { RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { IssuedLink, LinkStore } from '../ports/link-store.js';
import { pagesOf } from '../ports/page.js';

type Links = Pick<LinkStore, 'listLinks'>;

/** The links of one grant, or of all, that are not revoked and can connect or be renewed, page by page, newest first. */
export function liveLinkPages(
  store: Links,
  grantUid: string | undefined,
  now: number,
): AsyncGenerator<readonly IssuedLink[]> {
  const isLive = ({ revokedAt, notAfter }: IssuedLink) =>
    revokedAt === null && notAfter + RENEWAL_GRACE_MS > now;
  return pagesOf((page) => store.listLinks({ ...page, grantUid }, isLive));
}

/** Those of {@link liveLinkPages} that `matches` accepts, oldest first. */
export async function liveLinks(
  store: Links,
  grantUid: string | undefined,
  now: number,
  matches: (link: IssuedLink) => boolean,
): Promise<IssuedLink[]> {
  const links: IssuedLink[] = [];
  for await (const page of liveLinkPages(store, grantUid, now)) links.push(...page.filter(matches));
  return links.reverse();
}

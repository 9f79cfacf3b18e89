import { RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { IssuedLink, LinkPageRequest, LinkStore } from '../ports/link-store.js';
import { pagesOf } from '../ports/page.js';

type Links = Pick<LinkStore, 'listLinks'>;
type Selection = Pick<LinkPageRequest, 'grantUid' | 'sameAs'>;

/** The selected links that are not revoked and can connect or be renewed, page by page, newest first. */
export function liveLinkPages(
  store: Links,
  selection: Selection,
  now: number,
): AsyncGenerator<readonly IssuedLink[]> {
  const isLive = ({ revokedAt, notAfter }: IssuedLink) =>
    revokedAt === null && notAfter + RENEWAL_GRACE_MS > now;
  return pagesOf((page) => store.listLinks({ ...page, ...selection }, isLive));
}

/** Those of {@link liveLinkPages} that `matches` accepts, oldest first. */
export async function liveLinks(
  store: Links,
  selection: Selection,
  now: number,
  matches: (link: IssuedLink) => boolean,
): Promise<IssuedLink[]> {
  const links: IssuedLink[] = [];
  for await (const page of liveLinkPages(store, selection, now)) links.push(...page.filter(matches));
  return links.reverse();
}

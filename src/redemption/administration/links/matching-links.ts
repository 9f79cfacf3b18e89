import { setImmediate as yieldTurn } from 'node:timers/promises';
import type { GrantStore } from '../../ports/grant-store.js';
import type { IssuedLink, LinkPageRequest } from '../../ports/link-store.js';
import type { Page } from '../../ports/page.js';

// Maximum number of parts that one call reads. The store limits the size of a part: a database reads at most 2,000 links.
const MAX_PARTS = 10;

/**
 * Returns a page of the links that `matches` accepts, newest first. Reads the store in parts, between which the process can do
 * other work. A page before the last one may have fewer items than the limit, or none.
 */
export async function matchingLinks(
  store: Pick<GrantStore, 'listLinks'>,
  { limit, after: start, ...filter }: LinkPageRequest,
  matches: (link: IssuedLink) => boolean,
): Promise<Page<IssuedLink>> {
  const links: IssuedLink[] = [];
  let after = start;
  for (let parts = 1; ; parts += 1) {
    const page = await store.listLinks({ limit: limit - links.length, after, ...filter }, matches);
    links.push(...page.items);
    after = page.next;
    if (after === undefined) return { items: links };
    if (links.length >= limit || parts >= MAX_PARTS) return { items: links, next: after };
    await yieldTurn();
  }
}

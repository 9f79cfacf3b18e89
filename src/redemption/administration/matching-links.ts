import { setImmediate as yieldTurn } from 'node:timers/promises';
import type { GrantStore } from '../ports/grant-store.js';
import type { IssuedLink, LinkPageRequest } from '../ports/link-store.js';
import type { Page } from '../ports/page.js';

// Parts that one call reads at most. The store bounds a part, to 2,000 links in a database.
const MAX_PARTS = 10;

/**
 * A page of the links that `matches` accepts, newest first. Other work of the process runs between the parts that it reads. A page
 * before the last one may have fewer items than the limit, or none.
 */
export async function matchingLinks(
  store: Pick<GrantStore, 'listLinks'>,
  { limit, after: start, ...of }: LinkPageRequest,
  matches: (link: IssuedLink) => boolean,
): Promise<Page<IssuedLink>> {
  const links: IssuedLink[] = [];
  let after = start;
  for (let parts = 1; ; parts += 1) {
    const rest = { limit: limit - links.length, ...of, ...(after !== undefined && { after }) };
    const page = await store.listLinks(rest, matches);
    links.push(...page.items);
    after = page.next;
    if (after === undefined) return { items: links };
    if (links.length >= limit || parts >= MAX_PARTS) return { items: links, next: after };
    await yieldTurn();
  }
}

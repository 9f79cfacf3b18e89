import { LINK_STATES, linkState } from '../../../domain/issued-certificate.js';
import { compareTexts } from '../../../domain/text-order.js';
import type { GrantStore } from '../../ports/grant-store.js';
import type { IssuedLink, LinkPageRequest } from '../../ports/link-store.js';
import { encodeCursor, pagesOf, startOf } from '../../ports/page.js';
import type { LINK_SORTS, LinkPage, LinkSort } from '../reports/link-report.js';

// Bounds a cursor. Longer subjects, which only a tenant of a cluster can write, are in the order of their ids.
const MAX_COMPARED_LENGTH = 256;
// Follows every other text.
const LAST_TEXT = '\uffff';

type Value = string | number;
/** The sort key of a link: the value to sort by, and the id. */
type Key = readonly [Value, string];
type Compare<T> = (one: T, other: T) => number;

const VALUES: Readonly<Record<(typeof LINK_SORTS)[number], (link: IssuedLink, now: number) => Value>> = {
  // A cursor has no NUL.
  subject: ({ subject }) => subject.replaceAll('\0', '').slice(0, MAX_COMPARED_LENGTH),
  grant: ({ grantName = LAST_TEXT }) => grantName,
  state: (link, now) => LINK_STATES.indexOf(linkState(link, now)),
  since: ({ createdAt }) => createdAt,
  lastContact: ({ issuedAt }) => issuedAt,
  notAfter: ({ notAfter }) => notAfter,
};

/**
 * Returns a page of the links that `matches` accepts, in the order of `sort`, with its position among all of them. A cursor is the
 * key of a link, so a page begins after that key even if the link itself was changed or deleted. Reads all links in parts, between
 * which the process can do other work, and stores no more of them than two pages.
 */
export async function sortedLinks(
  store: Pick<GrantStore, 'listLinks'>,
  { limit, after, grantUid, sort }: LinkPageRequest & { readonly sort: LinkSort },
  matches: (link: IssuedLink) => boolean,
  now: number,
): Promise<LinkPage<IssuedLink>> {
  const sign = sort.startsWith('-') ? -1 : 1;
  const member = sort.replace('-', '') as (typeof LINK_SORTS)[number];
  const isText = member === 'subject' || member === 'grant';
  const start =
    after === undefined ? undefined : startOf<readonly [Value, string]>(after, [isText ? '' : 0, '']);
  const compare: Compare<Key> = (one, other) =>
    sign * compareValues(one[0], other[0]) || compareIds(one[1], other[1]);
  const page: { readonly key: Key; readonly link: IssuedLink }[] = [];
  const earlier: Key[] = [];
  let total = 0;
  let before = 0;
  for await (const links of pagesOf((part) => store.listLinks({ ...part, grantUid }, matches))) {
    total += links.length;
    for (const link of links) {
      const key: Key = [VALUES[member](link, now), link.id];
      if (start && compare(key, start) <= 0) {
        before += 1;
        insert(earlier, key, (one, other) => compare(other, one), limit + 1);
      } else insert(page, { key, link }, (one, other) => compare(one.key, other.key), limit + 1);
    }
  }
  const last = page[limit - 1];
  // The page before this one begins after the key before its own links.
  const previous = earlier[limit];
  return {
    items: page.slice(0, limit).map(({ link }) => link),
    ...(last && page.length > limit && { next: encodeCursor(last.key) }),
    total,
    before,
    ...(previous && { previous: encodeCursor(previous) }),
  };
}

function compareValues(one: Value, other: Value): number {
  return typeof one === 'string' ? compareTexts(one, String(other)) : one - Number(other);
}

function compareIds(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** Inserts an item into a sorted list of the first `size` items. */
function insert<T>(list: T[], item: T, compare: Compare<T>, size: number): void {
  const last = list[size - 1];
  if (last !== undefined && compare(item, last) >= 0) return;
  let low = 0;
  for (let high = list.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (compare(item, list[middle] as T) < 0) high = middle;
    else low = middle + 1;
  }
  list.splice(low, 0, item);
  if (list.length > size) list.pop();
}

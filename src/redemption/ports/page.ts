import { setImmediate as yieldTurn } from 'node:timers/promises';
import { type LabelSelector, selectsLabels } from '../../domain/label-selector.js';
import type { Labels } from '../../domain/labels-and-note.js';
import { RedemptionError } from '../../domain/redemption-error.js';

/** A page of a listing. To get the next page, pass `next` as `after`; the last page has no `next`. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** A request for the first page of a listing, or for the page after the one that returned `after`. */
export interface PageRequest {
  /**
   * Maximum number of items; a number below 1 means 1, a number above 1,000 means 1,000. {@link ALL_ITEMS}: as many as the store can
   * return at once, which is 1,000 for a database and every item for a cluster.
   */
  readonly limit: number;
  /** The `next` of an earlier page of the same listing. For any other text the listing fails with a RangeError. */
  readonly after?: string | undefined;
}

/** A condition for the items of a listing. */
export type Matches<T> = (item: T) => boolean;

/** The limit of a request that needs every item, so that a store without pages of its own reads them only once. */
export const ALL_ITEMS = Number.POSITIVE_INFINITY;

// A page of a filtered listing is empty if none of 2,000 items matches. No store has 20 million items.
const MAX_EMPTY_PAGES = 10_000;

/**
 * Reads a listing through `list`, on demand, in the largest pages that the store returns. Yields to the event loop between two
 * pages, because SQLite reads a page synchronously. Rejects with RedemptionError `answer_invalid` if the listing of a server does
 * not end: a page refers to itself, or too many pages in a row are empty.
 */
export async function* pagesOf<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  let emptyPages = 0;
  do {
    const page: Page<T> = await list({ limit: ALL_ITEMS, after });
    yield page.items;
    emptyPages = page.items.length === 0 ? emptyPages + 1 : 0;
    if (page.next !== undefined && (page.next === after || emptyPages === MAX_EMPTY_PAGES))
      throw new RedemptionError('answer_invalid', 'The listing of the server does not end.');
    after = page.next;
    if (after !== undefined) await yieldTurn();
  } while (after !== undefined);
}

/** Returns every item of a listing, read page by page through `list`. */
export async function everyItem<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pagesOf(list)) items.push(...page);
  return items;
}

type SortKey = readonly (string | number)[];

/** Encodes the sort key of a page's last item as the text for `after`: base64url of JSON. */
export function encodeCursor(key: SortKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** A sort key with parts of these types. */
type KeyLike<Key> = { readonly [At in keyof Key]: Key[At] extends string ? string : number };

/**
 * Returns the sort key after which a page begins: that of its cursor, or `first` without one. Throws a RangeError unless the
 * cursor has a key with parts of the same types as `first`.
 */
export function startOf<Key extends [] | SortKey>(cursor: string | undefined, first: Key): KeyLike<Key> {
  if (cursor === undefined) return first as KeyLike<Key>;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    key = undefined;
  }
  const isKey =
    Array.isArray(key) && key.length === first.length && first.every((part, at) => isLike(part, key[at]));
  if (!isKey) throw new RangeError('not a position in this listing');
  return key as KeyLike<Key>;
}

/** Whether `value` has the type of `part`, and all databases accept it as a parameter. */
function isLike(part: string | number, value: unknown): boolean {
  if (typeof part === 'number') return Number.isSafeInteger(value);
  return typeof value === 'string' && !value.includes('\0');
}

/** Returns how many rows a listing reads for a page of `limit`: one more, which shows whether another page follows. */
export function rowsToRead(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), 1_000) + 1;
}

/** Builds a page from `rows`, of which {@link rowsToRead} were requested; `keyOf` returns a row's sort key. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => SortKey,
  itemOf: (row: Row) => T,
): Page<T> {
  const size = rowsToRead(limit) - 1;
  const items = rows.slice(0, size).map(itemOf);
  const last = rows[size - 1];
  return rows.length > size && last !== undefined ? { items, next: encodeCursor(keyOf(last)) } : { items };
}

/** Returns the page without the items that do not match, so that a listing reads no more rows than its limit. */
export function selectItems<T>(page: Page<T>, matches: Matches<T> | undefined): Page<T> {
  return matches ? { ...page, items: page.items.filter(matches) } : page;
}

/** Like {@link selectItems}, for items that `labels` selects. */
export function selectByLabels<T extends { readonly labels: Labels }>(
  page: Page<T>,
  labels: LabelSelector | undefined,
): Page<T> {
  return selectItems(page, labels && ((item) => selectsLabels(labels, item.labels)));
}

/**
 * The requested page of `items`, which are all items of a listing, sorted by their keys. `first` is a key with parts of the same
 * types. Throws a RangeError for an invalid cursor.
 */
export function sortedPage<T>(
  items: readonly T[],
  { limit, after }: PageRequest,
  first: SortKey,
  keyOf: (item: T) => SortKey,
): Page<T> {
  const start = after === undefined ? undefined : startOf(after, first);
  const rows = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => start === undefined || compareKeys(key, start) > 0)
    .sort((a, b) => compareKeys(a.key, b.key));
  const itemOf = ({ item }: { readonly item: T }) => item;
  return limit === ALL_ITEMS ? { items: rows.map(itemOf) } : pageOf(rows, limit, ({ key }) => key, itemOf);
}

function compareKeys(a: SortKey, b: SortKey): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

import type { Page, PageRequest } from '../ports/page.js';

// One request reads at most about this many items.
const MAX_ROWS_READ = 2_000;

/**
 * Returns a page with the results of `choose` for the items of a listing, without those for which it returns undefined. A page
 * before the last one may have fewer results than the limit, or none, because one request reads a bounded number of items.
 */
export async function filteredPage<T, R>(
  { limit, after: start }: PageRequest,
  list: (page: PageRequest) => Promise<Page<T>>,
  choose: (item: T) => R | undefined | Promise<R | undefined>,
): Promise<Page<R>> {
  let after = start;
  for (let read = 0; ; ) {
    const page: Page<T> = await list({ limit, after });
    const items: R[] = [];
    for (const item of page.items) {
      const result = await choose(item);
      if (result !== undefined) items.push(result);
    }
    // The listing reads this many items for each page, even if it returns fewer because it filters too.
    read += limit;
    after = page.next;
    if (items.length > 0 || after === undefined || read >= MAX_ROWS_READ)
      return { items, ...(after !== undefined && { next: after }) };
  }
}

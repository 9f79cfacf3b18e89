import type { Page, PageRequest } from '../ports/page.js';

// Largest number of items that one request reads to find those that match.
const MAX_ROWS_READ = 2_000;

/**
 * A page of the results of `choose` for the items of a listing, without undefined ones. A page before the last one may have fewer
 * results than the limit, or none, because one request reads a bounded number of items.
 */
export async function filteredPage<T, R>(
  { limit, after: start }: PageRequest,
  list: (page: PageRequest) => Promise<Page<T>>,
  choose: (item: T) => R | undefined | Promise<R | undefined>,
): Promise<Page<R>> {
  let after = start;
  for (let read = 0; ; ) {
    const page: Page<T> = await list({ limit, ...(after !== undefined && { after }) });
    const items: R[] = [];
    for (const item of page.items) {
      const result = await choose(item);
      if (result !== undefined) items.push(result);
    }
    // Every page but the last one reads that many, even if the listing itself filters.
    read += limit;
    after = page.next;
    if (items.length > 0 || after === undefined || read >= MAX_ROWS_READ)
      return { items, ...(after !== undefined && { next: after }) };
  }
}

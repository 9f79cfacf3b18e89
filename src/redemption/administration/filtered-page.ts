import type { Page, PageRequest } from '../ports/page.js';

// How many items one request reads at most in search of those that are wanted.
const MOST_READ = 2_000;

/**
 * A page of what `choose` makes of the items of a listing, where undefined leaves one out. It may hold fewer than the
 * limit, or none, before the last page: what is read for one request is bounded.
 */
export async function filteredPage<T, R>(
  { limit, after: start }: PageRequest,
  list: (page: PageRequest) => Promise<Page<T>>,
  choose: (item: T) => R | undefined | Promise<R | undefined>,
): Promise<Page<R>> {
  let after = start;
  for (let read = 0; ; ) {
    const page: Page<T> = await list({ limit, ...(after !== undefined && { after }) });
    const chosen: R[] = [];
    for (const item of page.items) {
      const result = await choose(item);
      if (result !== undefined) chosen.push(result);
    }
    read += page.items.length;
    after = page.next;
    if (chosen.length > 0 || after === undefined || read >= MOST_READ)
      return { items: chosen, ...(after !== undefined && { next: after }) };
  }
}

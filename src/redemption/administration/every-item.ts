import type { Page, PageRequest } from '../ports/page.js';

const PAGE = 500;

/** Returns every item of a listing, read page by page through `list`. */
export async function everyItem<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  do {
    const page: Page<T> = await list({ limit: PAGE, ...(after !== undefined && { after }) });
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

/** A page of a listing. To get the next page, pass `next` as `after`; the last page has no `next`. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** A request for the first page of a listing, or for the page after the one that returned `after`. */
export interface PageRequest {
  /** Maximum number of items; a number below 1 means 1, a number above 1,000 means 1,000. */
  readonly limit: number;
  /** The `next` of an earlier page of the same listing. For any other text the listing fails with a RangeError. */
  readonly after?: string | undefined;
}

const PAGE_SIZE = 500;

/** Reads the pages of a listing through `list`, on demand. */
export async function* pagesOf<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  do {
    const page: Page<T> = await list({ limit: PAGE_SIZE, after });
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}

/** Returns every item of a listing, read page by page through `list`. */
export async function everyItem<T>(list: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pagesOf(list)) items.push(...page);
  return items;
}

import { describe, expect, it } from 'vitest';
import { filteredPage } from '../../../../src/redemption/administration/filtered-page.js';
import type { Page, PageRequest } from '../../../../src/redemption/ports/page.js';

/**
 * A listing of the numbers from 0 to 9,999 that counts the numbers that it read, and returns only those that `selects` accepts.
 */
function listing(selects: (item: number) => boolean) {
  const read = { items: 0 };
  const list = async ({ limit, after = '0' }: PageRequest): Promise<Page<number>> => {
    const first = Number(after);
    const items = Array.from({ length: Math.min(limit, 10_000 - first) }, (_, at) => first + at);
    read.items += items.length;
    const next = first + limit < 10_000 && { next: String(first + limit) };
    return { items: items.filter(selects), ...next };
  };
  return { list, read };
}

describe('a filtered page', () => {
  it.each([
    ['the page', { list: () => true, page: (item: number) => item === 9_999 }],
    ['the listing', { list: (item: number) => item === 9_999, page: () => true }],
  ])('reads at most 2,000 items if %s filters, and the pages have every result', async (_what, by) => {
    const { list, read } = listing(by.list);
    const found: number[] = [];
    let after: string | undefined;
    let pages = 0;
    do {
      const before = read.items;
      const page = await filteredPage({ limit: 100, ...(after !== undefined && { after }) }, list, (item) =>
        by.page(item) ? item : undefined,
      );
      expect(read.items - before).toBeLessThanOrEqual(2_000);
      found.push(...page.items);
      after = page.next;
      pages += 1;
    } while (after !== undefined);
    expect(found).toEqual([9_999]);
    expect(pages).toBe(5);
  });
});

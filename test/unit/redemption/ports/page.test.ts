import { expect, it } from 'vitest';
import { ALL_ITEMS, everyItem, type PageRequest } from '../../../../src/redemption/ports/page.js';

it('everyItem reads a listing to its last page, each page once and in order', async () => {
  const requests: PageRequest[] = [];
  const items = await everyItem(async (page) => {
    requests.push(page);
    const start = Number(page.after ?? 0);
    return { items: [start, start + 1], ...(start < 4 && { next: String(start + 2) }) };
  });
  expect(items).toEqual([0, 1, 2, 3, 4, 5]);
  expect(requests.map(({ after }) => after)).toEqual([undefined, '2', '4']);
  expect(requests.every(({ limit }) => limit === ALL_ITEMS)).toBe(true);
});

it('everyItem rejects if a listing returns empty pages without end, and reads past some of them', async () => {
  let count = 0;
  const countUp = async () => {
    count += 1;
    return { items: [], next: String(count) };
  };
  await expect(everyItem(countUp)).rejects.toThrow('does not end');
  expect(count).toBe(10_000);
  const sparse = async ({ after = '0' }: PageRequest) =>
    after === '600' ? { items: ['last'] } : { items: [], next: String(Number(after) + 1) };
  expect(await everyItem<string>(sparse)).toEqual(['last']);
});

it('everyItem rejects if a page is the one after itself', async () => {
  await expect(everyItem(async () => ({ items: ['again'], next: 'same' }))).rejects.toThrow('does not end');
});

it('everyItem yields to the event loop between two pages', async () => {
  let isPageRead = false;
  let hasYielded = false;
  await everyItem(async () => {
    if (isPageRead) return { items: [] };
    isPageRead = true;
    setImmediate(() => {
      hasYielded = true;
    });
    return { items: [], next: 'second' };
  });
  expect(hasYielded).toBe(true);
});

import { expect, it } from 'vitest';
import { ALL, everyItem, type PageRequest } from '../../../../src/redemption/ports/page.js';

it('everyItem reads a listing to its last page, each page once and in order', async () => {
  const requests: PageRequest[] = [];
  const items = await everyItem(async (page) => {
    requests.push(page);
    const start = Number(page.after ?? 0);
    return { items: [start, start + 1], ...(start < 4 && { next: String(start + 2) }) };
  });
  expect(items).toEqual([0, 1, 2, 3, 4, 5]);
  expect(requests.map(({ after }) => after)).toEqual([undefined, '2', '4']);
  expect(requests.every(({ limit }) => limit === ALL)).toBe(true);
});

import { afterEach, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type ListingFormat, writeListing } from '../../../../src/cli/terminal/listing.js';

afterEach(() => vi.restoreAllMocks());

interface Report {
  readonly id: string;
  readonly count: number;
}

/** What is written of three pages, one of them empty, or of none. */
async function written(format: ListingFormat<Report>['format'], ...pages: readonly (readonly Report[])[]) {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest: readonly unknown[]) => {
    text += String(chunk);
    (rest.at(-1) as () => void)();
    return true;
  });
  await writeListing(
    (async function* () {
      yield* pages;
    })(),
    {
      format,
      csv: { id: ({ id }) => id, count: ({ count }) => count },
      headings: ['ID', 'COUNT'],
      cells: ({ id, count }) => [id, String(count)],
      emptyText: 'Nothing.\n',
    },
  );
  return text;
}

const PAGES = [
  [
    { id: 'first', count: 1 },
    { id: 'b', count: 22 },
  ],
  [],
  [{ id: 'c', count: 3 }],
];

it('a listing is the same in one page and in several, in each format', async () => {
  const json = await written('json', ...PAGES);
  expect(json).toBe(`${JSON.stringify(PAGES.flat(), null, 2)}\n`);
  expect(parse(await written('yaml', ...PAGES))).toEqual(PAGES.flat());
  expect(await written('csv', ...PAGES)).toBe('id,count\r\nfirst,1\r\nb,22\r\nc,3\r\n');
  expect(await written(undefined, ...PAGES)).toBe('ID     COUNT\nfirst  1\nb      22\nc      3\n');
});

it('an empty listing is valid in each format', async () => {
  expect(await written('json', [])).toBe('[]\n');
  expect(await written('yaml')).toBe('[]\n');
  expect(await written('csv', [])).toBe('id,count\r\n');
  expect(await written(undefined)).toBe('Nothing.\n');
});

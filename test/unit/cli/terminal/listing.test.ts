import { afterEach, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { type ListFlags, writeListing } from '../../../../src/cli/terminal/listing.js';
import { watchedTexts } from '../../../support/watched-texts.js';

afterEach(() => vi.restoreAllMocks());

interface Report {
  readonly id: string;
  readonly count: number;
  readonly state?: string;
}

const LISTING = {
  columns: { ID: ({ id }: Report) => id, 'HOW MANY': ({ count }: Report) => count },
  wide: { STATE: ({ state }: Report) => state },
  csv: { id: ({ id }: Report) => id, count: ({ count }: Report) => count },
  name: ({ id }: Report) => id,
  emptyText: 'Nothing.\n',
};

/** Returns what writeListing writes for `pages`. */
async function written(flags: ListFlags, ...pages: readonly (readonly Report[])[]) {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest: readonly unknown[]) => {
    text += String(chunk);
    (rest.at(-1) as () => void)();
    return true;
  });
  const read = async function* () {
    yield* pages;
  };
  await writeListing(read, LISTING, flags);
  return text;
}

const PAGES = [
  [
    { id: 'first', count: 1 },
    { id: 'b', count: 22 },
  ],
  [],
  [{ id: 'c', count: 3, state: 'ready' }],
];

it('a listing is the same in one page and in several, in each format', async () => {
  const json = await written({ output: 'json' }, ...PAGES);
  expect(json).toBe(`${JSON.stringify(PAGES.flat(), null, 2)}\n`);
  expect(parse(await written({ output: 'yaml' }, ...PAGES))).toEqual(PAGES.flat());
  expect(await written({ output: 'csv' }, ...PAGES)).toBe('id,count\r\nfirst,1\r\nb,22\r\nc,3\r\n');
  expect(await written({ output: 'name' }, ...PAGES)).toBe('first\nb\nc\n');
  expect(await written({}, ...PAGES)).toBe('ID     HOW MANY\nfirst  1\nb      22\nc      3\n');
  expect(await written({ output: 'wide' }, ...PAGES)).toBe(
    'ID     HOW MANY  STATE\nfirst  1         -\nb      22        -\nc      3         ready\n',
  );
});

it('a cell of more than 64 characters is whole, and widens no other line', async () => {
  const long = 'x'.repeat(250);
  const rows = [
    { id: 'a', count: 1 },
    { id: long, count: 2 },
    { id: 'y'.repeat(64), count: 3 },
  ];
  const lines = (await written({}, rows)).split('\n');
  expect(lines[0]).toBe(`ID${' '.repeat(64)}HOW MANY`);
  expect(lines[1]).toBe(`a${' '.repeat(65)}1`);
  expect(lines[2]).toBe(`${long}  2`);
  expect(lines[3]).toBe(`${'y'.repeat(64)}  3`);
});

it('an empty listing is valid in each format', async () => {
  expect(await written({ output: 'json' }, [])).toBe('[]\n');
  expect(await written({ output: 'yaml' })).toBe('[]\n');
  expect(await written({ output: 'csv' }, [])).toBe('id,count\r\n');
  expect(await written({ output: 'name' }, [])).toBe('');
  expect(await written({})).toBe('Nothing.\n');
});

it('--watch of an empty listing writes the headings once, and valid YAML', async () => {
  const command = (output: 'wide' | 'csv' | 'yaml') => {
    let rounds = 0;
    const read = async function* () {
      rounds += 1;
      yield rounds === 1 ? [] : [{ id: 'first', count: 1 }];
    };
    return writeListing(read, LISTING, { output, watch: true });
  };
  expect(await watchedTexts(['wide', 'csv', 'yaml'], command, 'first')).toEqual({
    wide: 'Nothing.\nID     HOW MANY  STATE\nfirst  1         -\n',
    csv: 'id,count\r\nfirst,1\r\n',
    yaml: '- id: first\n  count: 1\n',
  });
});

it('--no-headers leaves out the headings of columns and CSV, and the text of an empty listing', async () => {
  expect(await written({ headers: false }, ...PAGES)).toBe('first  1\nb      22\nc      3\n');
  expect(await written({ headers: false, output: 'csv' }, ...PAGES)).toBe('first,1\r\nb,22\r\nc,3\r\n');
  expect(await written({ headers: false })).toBe('');
});

it('--sort-by sorts numbers as numbers, in every format, with missing values last', async () => {
  expect(await written({ sortBy: 'how-many', output: 'name' }, ...PAGES)).toBe('first\nc\nb\n');
  expect(await written({ sortBy: 'Id', output: 'csv' }, ...PAGES)).toBe(
    'id,count\r\nb,22\r\nc,3\r\nfirst,1\r\n',
  );
  expect(await written({ sortBy: 'state', output: 'name' }, ...PAGES)).toBe('c\nfirst\nb\n');
  await expect(written({ sortBy: 'size' }, ...PAGES)).rejects.toMatchObject({
    message: '--sort-by cannot be "size"',
    hint: 'use id, how-many, state',
    exitCode: 2,
  });
});

import { afterEach, describe, expect, it, vi } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { IncomingReport } from '../../../../src/cli/link/incoming-link.js';
import { type LinkLists, writeLinks } from '../../../../src/cli/link/link-listing.js';
import type { OutgoingReport } from '../../../../src/cli/link/outgoing-link.js';
import type { ListFlags } from '../../../../src/cli/terminal/listing.js';
import { parseListingFormat } from '../../../../src/cli/terminal/output-format.js';
import { watchedTexts } from '../../../support/watched-texts.js';

afterEach(() => vi.restoreAllMocks());

const outgoing = (name: string, cost: number, router: 'absent' | 'current'): OutgoingReport => ({
  name,
  cost,
  endpoints: [],
  tlsCredentials: name,
  file: `Link-${name}.yaml`,
  router,
});

const incoming = (name: string, from: string): IncomingReport => ({
  ...{ name, from, subject: name, redeemedAt: '2031-03-04T05:06:07Z', notAfter: '2036-03-04T05:06:07Z' },
  ...{ state: 'valid', mode: 'csr', redemptionId: name, canStill: 'connect', remaining: '', connected: true },
});

const SITE: LinkLists = {
  outgoing: [outgoing('a', 10, 'absent'), outgoing('b', 9, 'current')],
  incoming: [incoming('c', '192.0.2.10'), incoming('d', '192.0.2.9')],
  outgoingColumns: ['NAME', 'COST'],
  outgoingNotes: '',
  incomingNotes: '',
};

/** Returns what writeLinks writes for {@link SITE}. */
async function written(flags: Omit<ListFlags, 'output'> & { readonly output?: string }): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest: readonly unknown[]) => {
    text += String(chunk);
    (rest.at(-1) as () => void)();
    return true;
  });
  const { output, ...others } = flags;
  const format = output === undefined ? {} : { output: parseListingFormat(output) };
  await writeLinks(async () => SITE, { ...others, ...format });
  return text;
}

it('link status --watch -o yaml writes a document for each change', async () => {
  let rounds = 0;
  const read = async () => {
    rounds += 1;
    return rounds === 1 ? { ...SITE, outgoing: [] } : SITE;
  };
  const command = (output: 'yaml') => writeLinks(read, { output, watch: true });
  const { yaml = '' } = await watchedTexts(['yaml'], command, 'Link-a');
  const documents = parseAllDocuments(yaml).map((document) => document.toJS());
  expect(documents).toMatchObject([{ outgoing: [] }, { outgoing: [{ name: 'a' }, { name: 'b' }] }]);
});

describe('link status --sort-by', () => {
  it.each([
    ['cost', 'b a c d'],
    ['from', 'a b d c'],
    ['name', 'a b c d'],
    // The table has the words "not loaded" and "loaded".
    ['router', 'b a c d'],
  ])('%s sorts the outgoing and the incoming links in every format', async (sortBy, order) => {
    const table = await written({ sortBy, headers: false });
    expect(table.match(/^\w(?= )/gm)?.join(' ')).toBe(order);
    for (const output of ['json', 'yaml']) {
      const lists = parse(await written({ sortBy, output }));
      const names = [...lists.outgoing, ...lists.incoming].map(({ name }: { name: string }) => name);
      expect(names.join(' ')).toBe(order);
    }
  });

  it.each([undefined, 'wide', 'json', 'yaml', 'csv', 'name'])(
    'refuses an unknown column with -o %s',
    async (output) => {
      const refused = written({ sortBy: 'size', ...(output !== undefined && { output }) });
      await expect(refused).rejects.toMatchObject({ message: '--sort-by cannot be "size"', exitCode: 2 });
    },
  );
});

import type { LoadedState } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { csvOf, type ListFlags, type Listing, listingText, orderOf } from '../terminal/listing.js';
import { formatTime, valueText } from '../terminal/output.js';
import { plainText } from '../terminal/plain-text.js';
import { withProgramName } from '../terminal/program-name.js';
import { completeHint } from '../terminal/suggested-command.js';
import { watch } from '../terminal/watch.js';
import { untilOutputCloses, writeStyled } from '../terminal/write-out.js';
import type { IncomingReport } from './incoming-link.js';
import type { OutgoingReport } from './outgoing-link.js';

/** The links of a site; a direction that cannot be reported is absent. */
export interface LinkLists {
  readonly outgoing?: readonly OutgoingReport[] | undefined;
  readonly incoming?: readonly IncomingReport[] | undefined;
  /** The columns of the table of the outgoing links: a cluster has other columns than a directory. */
  readonly outgoingColumns: readonly LinkColumn[];
  /** Lines below the table of the outgoing links. */
  readonly outgoingNotes: string;
  /** As `outgoingNotes`, for the incoming links. */
  readonly incomingNotes: string;
}

type ListedLink = Partial<Omit<OutgoingReport, 'name'> & Omit<IncomingReport, 'name'>> & {
  readonly name: string;
  readonly direction?: 'outgoing' | 'incoming';
};

/** The state of a link in the running router of a system site. */
const ROUTER_WORDS = {
  current: 'loaded',
  outdated: 'outdated',
  renewed: 'old certificate',
  absent: 'not loaded',
  'only-loaded': 'no file',
} as const satisfies Record<LoadedState, string>;

const COLUMNS = {
  NAME: ({ name }) => name,
  SUBJECT: ({ subject }) => subject,
  'CERTIFICATE EXPIRES': ({ notAfter }) => notAfter,
  COST: ({ cost }) => cost,
  ENDPOINTS: ({ endpoints }) => endpoints?.join(', ') || undefined,
  'RENEWED BY': ({ renewedBy }) => renewedBy ?? undefined,
  ROUTER: ({ router }) => router && ROUTER_WORDS[router],
  STATUS: ({ status }) => status,
  'REMOTE SITE': ({ remoteSite }) => remoteSite,
  MESSAGE: ({ message }) => message,
  FROM: ({ from }) => from,
  REDEEMED: ({ redeemedAt }) => redeemedAt,
  STATE: ({ state }) => state,
  'CAN STILL': ({ canStill }) => canStill,
  CONNECTED: ({ connected }) => (connected === undefined ? undefined : connected ? 'yes' : 'no'),
  CREDENTIALS: ({ tlsCredentials }) => tlsCredentials,
  FILE: ({ file }) => file,
  ID: ({ redemptionId }) => redemptionId,
} as const satisfies Listing<ListedLink>['columns'];

/** The heading of a column of links. */
export type LinkColumn = keyof typeof COLUMNS;

const INCOMING: readonly LinkColumn[] = [
  'NAME',
  'SUBJECT',
  'FROM',
  'REDEEMED',
  'CERTIFICATE EXPIRES',
  'STATE',
  'CAN STILL',
];

/** The links of both directions in one list, for `-o csv` and `-o name`. `--sort-by` accepts its columns. */
export const LINK_LISTING: Listing<ListedLink> = {
  columns: COLUMNS,
  csv: csvOf(
    'direction',
    'name',
    'subject',
    'notAfter',
    'cost',
    'endpoints',
    'renewedBy',
    'router',
    'status',
    'remoteSite',
    'message',
    'warning',
    'from',
    'redeemedAt',
    'state',
    'canStill',
    'redemptionId',
    'connected',
  ),
  name: ({ name }) => name,
  emptyText: '',
};

/** Warnings about the certificates of outgoing links, one line each. */
export function warningsOf(links: readonly OutgoingReport[]): string {
  return links
    .flatMap(({ name, warning }) => (warning === undefined ? [] : [`warning: ${name}: ${warning}\n`]))
    .join('');
}

/** Writes the links of a site to standard output. With `--watch` reads them every 2 s and writes all of them after a change. */
export async function writeLinks(read: () => Promise<LinkLists>, flags: ListFlags): Promise<void> {
  if (!flags.watch) {
    const text = linksText(await read(), flags);
    return untilOutputCloses(() => writeStyled(text));
  }
  let last: string | undefined;
  const round = async () => {
    const text = linksText(await read(), flags);
    if (text === last) return;
    const isTable = flags.output === undefined || flags.output === 'wide';
    const separator = isTable
      ? `\n${formatTime(commandContext().clock())}\n`
      : flags.output === 'yaml'
        ? '---\n'
        : '';
    await writeStyled(last === undefined ? text : separator + text);
    last = text;
  };
  await untilOutputCloses(() => watch(round));
}

function linksText(links: LinkLists, flags: ListFlags): string {
  const { outgoingColumns } = links;
  const outgoingNotes = completeHint(links.outgoingNotes, { ...flags });
  const incomingNotes = completeHint(links.incomingNotes, { ...flags });
  const { sortBy, ...unsorted } = flags;
  const { output, headers } = flags;
  const order = orderOf(LINK_LISTING, sortBy);
  const sorted = <Link extends ListedLink>(list: readonly Link[] | undefined) =>
    order && list ? [...list].sort(order) : list;
  const [outgoing, incoming] = [sorted(links.outgoing), sorted(links.incoming)];
  const value = { ...(outgoing && { outgoing }), ...(incoming && { incoming }) };
  if (output === 'json' || output === 'yaml') return plainText(valueText(output, value));
  if (output === 'csv' || output === 'name') {
    const rows = [
      ...(outgoing ?? []).map((link) => ({ ...link, direction: 'outgoing' as const })),
      ...(incoming ?? []).map((link) => ({ ...link, direction: 'incoming' as const })),
    ];
    // A name is printed once, even if there are links of that name in both directions.
    const named = new Map(rows.map((row) => [row.name, row]));
    return listingText(output === 'name' ? [...named.values()] : rows, LINK_LISTING, flags);
  }
  const isObserved = incoming?.some(({ connected }) => connected !== undefined);
  const incomingTable = tableOf('incoming', isObserved ? [...INCOMING, 'CONNECTED'] : INCOMING, ['ID']);
  const outgoingTable = tableOf('outgoing', outgoingColumns, ['CREDENTIALS', 'FILE']);
  const tables = [
    outgoing && section('Outgoing links', outgoing, outgoingTable, outgoingNotes, unsorted),
    incoming && section('Incoming links', incoming, incomingTable, incomingNotes, unsorted),
  ];
  const separator = headers === false ? '' : '\n';
  return tables.filter((text) => text !== undefined).join(separator);
}

function tableOf(
  direction: string,
  columns: readonly LinkColumn[],
  wide: readonly LinkColumn[],
): Listing<ListedLink> {
  const select = (headings: readonly LinkColumn[]) =>
    Object.fromEntries(headings.map((heading) => [heading, COLUMNS[heading]]));
  const emptyText = `There are no ${direction} links.\n`;
  return { columns: select(columns), wide: select(wide), name: LINK_LISTING.name, emptyText };
}

function section(
  title: string,
  links: readonly ListedLink[],
  listing: Listing<ListedLink>,
  notes: string,
  flags: ListFlags,
): string {
  const rows = listingText(links, listing, flags);
  if (flags.headers === false) return rows;
  return `${links.length > 0 ? `${title}\n` : ''}${rows}${withProgramName(plainText(notes))}`;
}

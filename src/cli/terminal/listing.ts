import { csvLine } from '../../domain/csv.js';
import type { Labels } from '../../domain/labels-and-note.js';
import { compareTexts } from '../../domain/text-order.js';
import { formatLabels } from '../flags/label-flags.js';
import { colouredCell, hasColours } from './colour.js';
import { invalidValue } from './command-error.js';
import { columnLines, columnWidths, valueText } from './output.js';
import type { ListingFormat } from './output-format.js';
import { plainLine, plainText } from './plain-text.js';
import { watch } from './watch.js';
import { untilOutputCloses, writeStyled } from './write-out.js';

type Cell = string | number | undefined;
type Columns<Report> = Readonly<Record<string, (report: Report) => Cell>>;

/** The table of a kind of resource. A cell without value is `-` in a column, and empty in CSV. */
export interface Listing<Report> {
  /** By heading. */
  readonly columns: Columns<Report>;
  /** More columns for `-o wide`. */
  readonly wide?: Columns<Report>;
  /** The columns of `-o csv`; absent if another listing writes these resources as CSV. */
  readonly csv?: Columns<Report>;
  /** The name or id that other commands accept. */
  readonly name: (report: Report) => string;
  /** Returns an id that is unique in all namespaces; absent if `name` is unique. */
  readonly key?: (report: Report) => string;
  /** The text that replaces an empty table. */
  readonly emptyText: string;
}

/** The flags of every command that lists. */
export interface ListFlags {
  readonly output?: ListingFormat;
  /** False to omit the headings of columns. */
  readonly headers?: boolean;
  /** Heading of a column, case-insensitive, with `-` for each space. */
  readonly sortBy?: string;
  readonly watch?: boolean;
}

/** CSV columns for members of a report. */
export function csvOf<Report>(...members: readonly (keyof Report & string)[]): Columns<Report> {
  return Object.fromEntries(members.map((member) => [member, (report: Report) => csvCell(report[member])]));
}

function csvCell(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.join(', ');
  return value ? formatLabels(value as Labels) : undefined;
}

/**
 * Writes a listing to standard output page by page. The first page determines the widths of the columns of a table. All pages
 * are read first to sort them. With `--watch` the listing is read periodically, and only what has changed is written. Ends early
 * if the reader closes standard output. Rejects with a CommandError for an unknown column.
 */
export async function writeListing<Report>(
  read: () => AsyncIterable<readonly Report[]>,
  listing: Listing<Report>,
  flags: ListFlags,
): Promise<void> {
  const order = orderOf(listing, flags.sortBy);
  const readAll = async () => {
    const reports: Report[] = [];
    for await (const page of read()) reports.push(...page);
    return order ? reports.sort(order) : reports;
  };
  const writer = writerOf(listing, flags);
  if (flags.watch) return untilOutputCloses(() => watchListing(readAll, listing, writer));
  await untilOutputCloses(async () => {
    let written = 0;
    for await (const page of order ? [await readAll()] : partsOf(read(), writer.partSize)) {
      if (page.length === 0) continue;
      await writeStyled(writer.page(page, written === 0));
      written += page.length;
    }
    await writeStyled(writer.end(written === 0));
  });
}

/** Splits pages into parts of `size` reports. */
async function* partsOf<Report>(
  pages: AsyncIterable<readonly Report[]>,
  size = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Report[]> {
  for await (const page of pages)
    for (let start = 0; start < page.length; start += size) yield page.slice(start, start + size);
}

/** Returns the text of a listing whose reports are in memory. */
export function listingText<Report>(
  reports: readonly Report[],
  listing: Listing<Report>,
  flags: ListFlags,
): string {
  const order = orderOf(listing, flags.sortBy);
  const { page, end } = writerOf(listing, flags);
  const rows = order ? [...reports].sort(order) : reports;
  return (rows.length > 0 ? page(rows, true) : '') + end(rows.length === 0);
}

/** The values of `--sort-by` for a listing. */
export function sortNames({ columns, wide }: Pick<Listing<never>, 'columns' | 'wide'>): string[] {
  return Object.keys({ ...columns, ...wide }).map(sortName);
}

/** Returns the order by the cells of a column, with cells without value last. Throws a CommandError for an unknown column. */
export function orderOf<Report>(
  listing: Pick<Listing<Report>, 'columns' | 'wide'>,
  sortBy: string | undefined,
): ((one: Report, other: Report) => number) | undefined {
  if (sortBy === undefined) return undefined;
  const all = Object.entries({ ...listing.columns, ...listing.wide });
  const [, value] = all.find(([heading]) => sortName(heading) === sortName(sortBy)) ?? [];
  if (!value) {
    throw invalidValue('--sort-by', sortBy, `use ${sortNames(listing).join(', ')}`);
  }
  return (one, other) => {
    const [left, right] = [value(one), value(other)];
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined);
    return compareTexts(String(left), String(right));
  };
}

function sortName(heading: string): string {
  return heading.toLowerCase().replaceAll(' ', '-');
}

/** Writes a listing, then what has changed in it; `removed` is the state of a resource that is no longer listed. */
async function watchListing<Report>(
  readAll: () => Promise<readonly Report[]>,
  { key, name }: Listing<Report>,
  writer: Writer<Report>,
): Promise<void> {
  let known: ReadonlyMap<string, Report> | undefined;
  let hasWritten = false;
  await watch(async () => {
    const found = new Map((await readAll()).map((report) => [(key ?? name)(report), report]));
    const changed = [...found]
      .filter(([id, report]) => !isSame(known?.get(id), report))
      .map(([, report]) => report);
    const removed = [...(known ?? [])]
      .filter(([id, report]) => !found.has(id) && (report as { state?: string }).state !== undefined)
      .map(([, report]) => ({ ...report, state: 'removed' }));
    const rows = [...changed, ...removed];
    const text = rows.length > 0 ? writer.page(rows, !hasWritten || writer.isDocument === true) : '';
    const isWritten = rows.length > 0 || (!known && !writer.omitsEmpty);
    const end = isWritten ? writer.end(rows.length === 0) : '';
    known = found;
    hasWritten ||= rows.length > 0;
    if (text + end !== '') await writeStyled(text + end);
  });
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

interface Writer<Report> {
  page(reports: readonly Report[], isFirst: boolean): string;
  end(isEmpty: boolean): string;
  /**
   * Number of reports that are formatted at once, so that a large page needs little memory. If absent, the whole page is formatted
   * at once, as for a table: its column widths depend on all rows.
   */
  readonly partSize?: number;
  /** True if each change of a watched listing is a document of its own. */
  readonly isDocument?: boolean;
  /**
   * True if `--watch` writes nothing while the list is empty at first: rows that are written later could not follow the text of
   * an empty list.
   */
  readonly omitsEmpty?: boolean;
}

function writerOf<Report>(listing: Listing<Report>, flags: ListFlags): Writer<Report> {
  if (flags.output === 'json') return JSON_WRITER;
  if (flags.output === 'yaml') return YAML_WRITER;
  if (flags.output === 'csv') return csvWriter(listing, flags);
  if (flags.output !== 'name') return tableWriter(listing, flags);
  return {
    page: (reports) => reports.map((report) => `${plainLine(listing.name(report))}\n`).join(''),
    end: () => '',
    partSize: PART_SIZE,
  };
}

const PART_SIZE = 100;

const JSON_WRITER: Writer<unknown> = {
  page(reports, isFirst) {
    const items = plainText(JSON.stringify(reports, null, 2).slice(1, -2));
    return isFirst ? `[${items}` : `,${items}`;
  },
  end: (isEmpty) => (isEmpty ? '[]\n' : '\n]\n'),
  partSize: PART_SIZE,
  isDocument: true,
};

const YAML_WRITER: Writer<unknown> = {
  page: (reports) => plainText(valueText('yaml', reports)),
  end: (isEmpty) => (isEmpty ? '[]\n' : ''),
  partSize: PART_SIZE,
  omitsEmpty: true,
};

function csvWriter<Report>({ csv = {} }: Listing<Report>, { headers }: ListFlags): Writer<Report> {
  const headings = headers === false ? '' : csvLine(Object.keys(csv));
  return {
    page(reports, isFirst) {
      const lines = reports.map((report) => csvLine(Object.values(csv).map((value) => value(report))));
      return plainText((isFirst ? headings : '') + lines.join(''));
    },
    end: (isEmpty) => (isEmpty ? headings : ''),
    partSize: PART_SIZE,
    omitsEmpty: true,
  };
}

function tableWriter<Report>(listing: Listing<Report>, { output, headers }: ListFlags): Writer<Report> {
  const columns = { ...listing.columns, ...(output === 'wide' && listing.wide) };
  const headings = Object.keys(columns);
  const showsHeadings = headers !== false;
  const isColoured = hasColours();
  const styled = (cell: string, column: number) =>
    isColoured ? colouredCell(headings[column] ?? '', cell) : cell;
  let widths: readonly number[] | undefined;
  return {
    page(reports, isFirst) {
      const rows = reports.map((report) =>
        Object.values(columns).map((value) => plainLine(String(value(report) ?? '-'))),
      );
      const all = showsHeadings && isFirst ? [headings, ...rows] : rows;
      widths ??= columnWidths(all);
      return columnLines(all, widths, styled);
    },
    end: (isEmpty) => (isEmpty && showsHeadings ? plainText(listing.emptyText) : ''),
  };
}

/** Returns the text that replaces an empty list. */
export function nothingListed(what: string, namespace: string, allNamespaces = false): string {
  return allNamespaces
    ? `There are no ${what}.\n`
    : `There are no ${what} in namespace "${namespace}"; -A lists those of all namespaces.\n`;
}

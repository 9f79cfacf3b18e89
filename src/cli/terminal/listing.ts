import { stringify } from 'yaml';
import { csvLine } from '../../domain/csv.js';
import type { Page, PageRequest } from '../../redemption/ports/page.js';
import { writeOut } from './write-out.js';

const PAGE = 500;

/** How to write a listing of reports. */
export interface ListingFormat<Report> {
  readonly format: 'json' | 'yaml' | 'csv' | undefined;
  /** The values of a CSV line, by heading. */
  readonly csv: Readonly<Record<string, (report: Report) => string | number | undefined>>;
  readonly headings: readonly string[];
  /** The cells of a line of text, as many as headings. */
  readonly cells: (report: Report) => readonly string[];
  /** The text that replaces an empty table. */
  readonly emptyText: string;
}

/** Reads the pages of a listing on demand. */
export async function* pagesOf<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  do {
    const page: Page<T> = await list({ limit: PAGE, ...(after !== undefined && { after }) });
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}

/**
 * Writes a listing to standard output page by page. The first page determines the widths of the columns of a table. Rejects as {@link writeOut} does.
 */
export async function writeListing<Report>(
  pages: AsyncIterable<readonly Report[]>,
  listing: ListingFormat<Report>,
): Promise<void> {
  const write = WRITERS[listing.format ?? 'text'](listing as ListingFormat<unknown>);
  let written = 0;
  for await (const page of pages) {
    if (page.length === 0) continue;
    await writeOut(write.page(page, written === 0));
    written += page.length;
  }
  await writeOut(write.end(written === 0));
}

/** The text of an empty list. */
export function nothingListed(what: string, namespace: string, allNamespaces = false): string {
  return allNamespaces
    ? `There are no ${what}.\n`
    : `There are no ${what} in namespace "${namespace}"; -A lists those of all.\n`;
}

interface Writer {
  page(reports: readonly unknown[], isFirst: boolean): string;
  end(isEmpty: boolean): string;
}

const WRITERS: Readonly<
  Record<'json' | 'yaml' | 'csv' | 'text', (listing: ListingFormat<unknown>) => Writer>
> = {
  json: () => ({
    page(reports, isFirst) {
      const items = JSON.stringify(reports, null, 2).slice(1, -2);
      return isFirst ? `[${items}` : `,${items}`;
    },
    end: (isEmpty) => (isEmpty ? '[]\n' : '\n]\n'),
  }),
  yaml: () => ({
    page: (reports) => stringify(reports, { lineWidth: 0 }),
    end: (isEmpty) => (isEmpty ? '[]\n' : ''),
  }),
  csv: ({ csv }) => {
    const headings = csvLine(Object.keys(csv));
    return {
      page(reports, isFirst) {
        const lines = reports.map((report) => csvLine(Object.values(csv).map((value) => value(report))));
        return (isFirst ? headings : '') + lines.join('');
      },
      end: (isEmpty) => (isEmpty ? headings : ''),
    };
  },
  text: ({ headings, cells, emptyText }) => {
    let widths: number[] | undefined;
    return {
      page(reports, isFirst) {
        const rows = reports.map(cells);
        widths ??= headings.map((heading, column) =>
          Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
        );
        const line = (row: readonly string[]) =>
          `${row
            .map((text, column) => text.padEnd(widths?.[column] ?? 0))
            .join('  ')
            .trimEnd()}\n`;
        return (isFirst ? [headings, ...rows] : rows).map(line).join('');
      },
      end: (isEmpty) => (isEmpty ? emptyText : ''),
    };
  },
};

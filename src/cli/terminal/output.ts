import { yaml } from '../../files/yaml.js';
import type { OutputFormat } from './output-format.js';
import { plainLine } from './plain-text.js';
import { withProgramName } from './program-name.js';
import { writeOut } from './write-out.js';

export { formatFingerprint } from '../../domain/fingerprint.js';
export { formatTime } from '../../domain/rfc3339.js';

/** Writes `value` to standard output in `format`, or the result of `text` without a format; resolves and rejects as `write` does. */
export async function print(
  format: OutputFormat,
  value: unknown,
  text: () => string,
  write = writeOut,
): Promise<void> {
  await write(format === undefined ? withProgramName(text()) : valueText(format, value));
}

/** Formats a value as JSON or YAML. */
export function valueText(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json'
    ? `${JSON.stringify(value, null, 2)}\n`
    : yaml().stringify(value, { lineWidth: 0 });
}

// A longer cell, such as a subject of 250 characters, only widens its own line.
const MAX_WIDTH = 64;

/** Formats a table; line breaks in a cell are escaped. */
export function table(headings: readonly string[], rawRows: readonly (readonly string[])[]): string {
  const rows = [headings, ...rawRows.map((row) => row.map(plainLine))];
  return columnLines(rows, columnWidths(rows));
}

/** The widths of the columns of some rows: that of the longest cell that has at most 64 characters. */
export function columnWidths(rows: readonly (readonly string[])[]): readonly number[] {
  return (rows[0] ?? []).map((_, column) =>
    rows.reduce(
      (width, { [column]: cell = '' }) => (cell.length > MAX_WIDTH ? width : Math.max(width, cell.length)),
      0,
    ),
  );
}

/** Formats rows with columns of these widths; `styled` adds colours to a cell. */
export function columnLines(
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  styled: (cell: string, column: number) => string = (cell) => cell,
): string {
  const line = (cells: readonly string[]) =>
    `${cells
      .map(
        (cell, column) => styled(cell, column) + ' '.repeat(Math.max(0, (widths[column] ?? 0) - cell.length)),
      )
      .join('  ')
      .trimEnd()}\n`;
  return rows.map(line).join('');
}

/** Formats `label: value` lines with the values in one column; omits undefined values. */
export function fields(pairs: readonly (readonly [string, string | number | undefined])[]): string {
  const present = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...present.map(([label]) => plainLine(label).length)) + 1;
  return present
    .map(([label, value]) => `${`${plainLine(label)}:`.padEnd(width)} ${plainLine(String(value))}\n`)
    .join('');
}

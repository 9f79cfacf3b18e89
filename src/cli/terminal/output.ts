import { stringify } from 'yaml';
import type { OutputFormat } from './output-format.js';
import { plainLine } from './plain-text.js';
import { writeOut } from './write-out.js';

export { formatTime } from '../../domain/rfc3339.js';

/**
 * Writes `value` to standard output in `format`, or the result of `text` without a format; resolves and rejects as {@link writeOut}
 * does.
 */
export async function print(format: OutputFormat, value: unknown, text: () => string): Promise<void> {
  if (format === 'json') await writeOut(`${JSON.stringify(value, null, 2)}\n`);
  else if (format === 'yaml') await writeOut(stringify(value, { lineWidth: 0 }));
  else await writeOut(text());
}

/** Columns under headings, each as wide as its longest cell; each row is one line, also with line breaks in a cell. */
export function table(headings: readonly string[], rawRows: readonly (readonly string[])[]): string {
  const rows = rawRows.map((row) => row.map(plainLine));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `${cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()}\n`;
  return [headings, ...rows].map(line).join('');
}

/** `label: value` lines with the values in one column; undefined ones are left out. */
export function fields(pairs: readonly (readonly [string, string | number | undefined])[]): string {
  const shown = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...shown.map(([label]) => label.length)) + 1;
  return shown.map(([label, value]) => `${`${label}:`.padEnd(width)} ${plainLine(String(value))}\n`).join('');
}

/** A SHA-256 as OpenSSL prints fingerprints: `AB:CD:…`. */
export function formatFingerprint(hex: string): string {
  return (hex.toUpperCase().match(/../g) ?? []).join(':');
}

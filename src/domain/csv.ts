// A spreadsheet interprets a text that begins with one of these characters as a formula. In a locale with the comma as decimal
// separator it splits texts at semicolons, even between quotes, and then omits quotes and spaces.
const FORMULA = /(^|;["\s]*)(?=[=+\-@\t\r])/g;

function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value.replaceAll(FORMULA, "$1'") : String(value);
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Returns a line of comma-separated values (RFC 4180) with its line break. A text, or a part of it after a semicolon, that a
 * spreadsheet would interpret as a formula is prefixed with an apostrophe.
 */
export function csvLine(values: readonly (string | number | undefined)[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

// A spreadsheet interprets a text that begins with one of these characters as a formula. Where the comma is the decimal separator,
// it splits a text at semicolons, also a quoted one.
const FORMULA = /(^|;)(?=[=+\-@\t\r])/g;

function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value.replaceAll(FORMULA, "$1'") : String(value);
  return /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Returns a line of comma-separated values (RFC 4180) with its line break. A text that a spreadsheet would interpret as a
 * formula is prefixed with an apostrophe.
 */
export function csvLine(values: readonly (string | number | undefined)[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

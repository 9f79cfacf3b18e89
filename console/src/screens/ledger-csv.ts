import type { Api } from '../api/client.js';

const COLUMNS = [
  ...[
    'time',
    'kind',
    'grantUid',
    'seq',
    'redemptionId',
    'name',
    'subject',
    'peer',
    'jti',
    'number',
    'serial',
    'keySha256',
  ],
  ...[
    'certificateSha256',
    'notAfter',
    'redemptionsAllowed',
    'uses',
    'expirationTime',
    'setting',
    'count',
    'firstTime',
  ],
] as (keyof Api['Event'])[];

// A text that begins like this is a formula for a spreadsheet.
const FORMULA = /^[=+\-@\t\r]/;

function cell(value: string | number | undefined): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Entries of the ledger as comma-separated values (RFC 4180) with a header. */
export function csvOf(entries: readonly Api['Event'][]): string {
  const lines = [COLUMNS, ...entries.map((entry) => COLUMNS.map((column) => entry[column]))];
  return lines.map((values) => `${values.map(cell).join(',')}\r\n`).join('');
}

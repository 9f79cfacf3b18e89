import { csvLine } from '../../../src/domain/csv.js';
import type { Api } from '../api/client.js';

const COLUMNS = [
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
  'certificateSha256',
  'notAfter',
  'redemptionsAllowed',
  'uses',
  'expirationTime',
  'setting',
  'count',
  'firstTime',
] as const satisfies readonly (keyof Api['Event'])[];

/** Entries of the ledger as comma-separated values (RFC 4180) with a header. */
export function csvOf(entries: readonly Api['Event'][]): string {
  return [COLUMNS, ...entries.map((entry) => COLUMNS.map((column) => entry[column]))].map(csvLine).join('');
}

import type { SqlValue } from '../operation.js';
import { entryMac, isMac, type LedgerRow, NO_MAC } from './ledger-mac.js';

/**
 * Columns of an entry `e` of the ledger, and the MAC of the entry `p` before it, as {@link authenticEntry} expects them. `detail` is
 * read as text: a writer of the database may have made it invalid JSON.
 */
export const ENTRY_COLUMNS = [
  ...['e.grant_uid', 'e.seq', 'e.position', 'e.at', 'e.kind', 'e.redemption_id', 'e.detail', 'e.mac'],
  'p.mac',
];
/** The tables of {@link ENTRY_COLUMNS}. */
export const ENTRY_TABLES = 'events e LEFT JOIN events p ON p.position = e.position - 1';

/** An entry whose first values are those of {@link ENTRY_COLUMNS}. */
export type EntryValues = readonly SqlValue[];

/** Returns an entry of a grant; undefined if it does not match its MAC. */
export function authenticEntry(
  key: Uint8Array,
  grantUid: string,
  [, seq, position, at, kind, redemptionId, detail, mac, previous]: EntryValues,
): LedgerRow | undefined {
  const entry = { grantUid, seq, position, at, kind, redemptionId, detail } as LedgerRow;
  const before = position === 1 ? NO_MAC : previous;
  return before instanceof Uint8Array && isMac(mac, entryMac(key, before, entry)) ? entry : undefined;
}

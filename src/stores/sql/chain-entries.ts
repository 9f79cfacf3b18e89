import type { LedgerEntry } from '../../redemption/ports/ledger-store.js';
import { entryCode, NO_ENTRY } from './ledger-codes.js';
import { put, row, type SqlOperation, type SqlValue } from './operation.js';
import { pieces, tuples } from './pieces.js';

const LAST = 'SELECT seq, mac FROM events WHERE grant_uid = ? AND seq > 0 ORDER BY seq DESC LIMIT 1';
const APPEND = (count: number): string =>
  `INSERT INTO events (grant_uid, seq, position, at, kind, redemption_id, detail, mac) VALUES ${tuples(count, 8)}`;

/** An entry that is to be added to a grant's ledger. */
export type NewLedgerEntry = Pick<LedgerEntry, 'grantUid' | 'at' | 'kind'> &
  Partial<Pick<LedgerEntry, 'redemptionId' | 'detail'>>;

/** Where a grant's entries end. */
export interface Head {
  readonly length: number;
  readonly last: Uint8Array;
  /** False once it was found to be forged: it gets no code any more, so that nothing covers that up. */
  readonly genuine: boolean;
  /** When retention looks at it, once the grant is deleted. */
  readonly checkAt: number | null;
}

/** The end of a grant without a note of it; it is forged if there are entries. */
export function* missingHead(grantUid: string): SqlOperation<Head> {
  const lost = yield* row<{ readonly seq: number; readonly mac: Uint8Array | null }>(LAST, grantUid);
  return {
    length: lost?.seq ?? 0,
    last: lost?.mac ?? NO_ENTRY,
    checkAt: null,
    genuine: lost === undefined,
  };
}

/** The values of an entry's row behind a head, and its code. */
export function entryRow(
  key: Uint8Array,
  head: Head,
  { grantUid, at, kind, redemptionId = null, detail: told }: NewLedgerEntry,
  position: number,
): { readonly values: SqlValue[]; readonly last: Uint8Array } {
  const detail = told ? JSON.stringify(told) : null;
  const seq = head.length + 1;
  const last = entryCode(key, head.last, { grantUid, seq, position, at, kind, redemptionId, detail });
  return { values: [grantUid, seq, position, at, kind, redemptionId, detail, last], last };
}

/** Writes rows of entries. */
export function* putEntries(entries: readonly (readonly SqlValue[])[]): SqlOperation<void> {
  for (const piece of pieces(entries)) yield* put(APPEND(piece.length), ...piece.flat());
}

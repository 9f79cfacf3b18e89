import type { LedgerPlace } from '../../high-water-marks.js';
import { batch, change, chunks, put, type SqlOperation, type SqlValue } from '../operation.js';
import { endMac, isMac, type LedgerEnd, NO_MAC, NO_POSITIONS } from './ledger-mac.js';
import { MAC_AT } from './rollback-check.js';

const END = 'SELECT writes, position, removed, removed_set AS "removedSet", refusals, mac FROM ledger_end';
const LAST_ENTRY = 'SELECT position, mac FROM events ORDER BY position DESC LIMIT 1';
const LAST_SEQS = (count: number): string =>
  `WITH wanted (uid) AS (VALUES ${Array(count).fill('(CAST(? AS TEXT))').join(', ')})
  SELECT uid, (SELECT max(seq) FROM events WHERE grant_uid = wanted.uid) AS seq FROM wanted`;
const INSERT_END = `INSERT INTO ledger_end (id, writes, position, removed, removed_set, refusals, mac)
  VALUES (1, ?, ?, ?, ?, ?, ?)`;
const FIRST_END = `${INSERT_END} ON CONFLICT DO NOTHING`;
const PUT_END = `${INSERT_END} ON CONFLICT (id) DO UPDATE SET writes = excluded.writes, position = excluded.position,
    removed = excluded.removed, removed_set = excluded.removed_set, refusals = excluded.refusals, mac = excluded.mac`;
const NO_END: LedgerEnd = { writes: 0, position: 0, removed: 0, removedSet: NO_POSITIONS, refusals: 0 };

/** The end of the ledger and its last entry in the database. */
export interface StoredEnd extends LedgerEnd {
  /** Position of the last entry that the table has, 0 without entries. */
  readonly lastPosition: number;
  /** MAC of the last entry that the table has. */
  readonly last: Uint8Array;
  /** MACs of the entries at the positions that the caller of {@link readEnd} names; undefined without such an entry. */
  readonly seenMacs: readonly (Uint8Array | undefined)[];
  /** Whether the MAC of the end is right. A forged end never gets a valid MAC again, so later entries cannot hide it. */
  readonly isAuthentic: boolean;
}

/**
 * Reads the end of the ledger, the MAC of the entry at the position of each of `seen`, and the highest `seq` of each grant in
 * `grantUids` (0 without entries).
 */
export function* readEnd(
  key: Uint8Array,
  forUpdate = '',
  grantUids: readonly string[] = [],
  seen: readonly LedgerPlace[] = [],
): SqlOperation<{ readonly end: StoredEnd; readonly seqs: Map<string, number> }> {
  const [ends, entries, ...others] = yield* batch(
    [`${END}${forUpdate}`],
    [LAST_ENTRY],
    ...seen.map(({ position }) => [MAC_AT, position] as const),
    ...[...chunks(grantUids)].map((chunk) => [LAST_SEQS(chunk.length), ...chunk] as const),
  );
  const found = ends.rows[0] as (LedgerEnd & { readonly mac: unknown }) | undefined;
  const entry = entries.rows[0] as { readonly position: number; readonly mac: Uint8Array } | undefined;
  const { mac, ...rest } = found ?? { ...NO_END, mac: null };
  // A writer of the database may have stored another type.
  const stored = {
    ...rest,
    removedSet: rest.removedSet instanceof Uint8Array ? rest.removedSet : NO_POSITIONS,
  };
  const lastPosition = entry?.position ?? 0;
  const last = entry?.mac ?? NO_MAC;
  const seenMacs = others
    .slice(0, seen.length)
    .map(({ rows }) => (rows[0] as { readonly mac: Uint8Array } | undefined)?.mac);
  const isAuthentic = stored.position === lastPosition && isMac(mac, endMac(key, last, stored));
  const seqs = new Map<string, number>();
  for (const { rows } of others.slice(seen.length)) {
    for (const { uid, seq } of rows as readonly { readonly uid: string; readonly seq: number | null }[])
      seqs.set(uid, seq ?? 0);
  }
  return { end: { ...stored, lastPosition, last, seenMacs, isAuthentic }, seqs };
}

/** Writes the end of an empty ledger, unless the database has one. */
export function* insertFirstEnd(key: Uint8Array): SqlOperation<void> {
  yield* change(FIRST_END, ...endValues(NO_END, endMac(key, NO_MAC, NO_END)));
}

/** Replaces the end of the ledger. */
export function* writeEnd(end: LedgerEnd, mac: Uint8Array): SqlOperation<void> {
  yield* put(PUT_END, ...endValues(end, mac));
}

function endValues(
  { writes, position, removed, removedSet, refusals }: LedgerEnd,
  mac: Uint8Array,
): SqlValue[] {
  return [writes, position, removed, removedSet, refusals, mac];
}

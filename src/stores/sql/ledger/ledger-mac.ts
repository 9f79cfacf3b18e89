import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { LedgerKind } from '../../../domain/ledger-kind.js';

/** An entry as its MAC covers it; `detail` is the text in its row. */
export interface LedgerRow {
  readonly position: number;
  readonly grantUid: string;
  readonly seq: number;
  readonly at: number;
  readonly kind: LedgerKind;
  readonly redemptionId: string | null;
  readonly detail: string | null;
}

/** The end of the ledger: totals over all entries and refusals. */
export interface LedgerEnd {
  /** How often the end was written: it also changes without a new entry. */
  readonly writes: number;
  /** Number of entries that were ever written. */
  readonly position: number;
  /** Number of entries whose content retention has deleted. */
  readonly removed: number;
  /** Their positions, as {@link withPosition} adds them. */
  readonly removedSet: Uint8Array;
  /** Sum of the counts of all refusals. */
  readonly refusals: number;
}

/** Used as the MAC before the first entry, and as the MAC of an end that was found to be forged. */
export const NO_MAC: Uint8Array = new Uint8Array(32);

// `kind` separates the uses of the key, and JSON separates the values.
function macOf(key: Uint8Array, kind: string, previous: Uint8Array, values: readonly unknown[]): Buffer {
  const before = Buffer.from(previous.buffer, previous.byteOffset, previous.byteLength).toString('hex');
  return createHmac('sha256', key)
    .update(`${kind}${before}${JSON.stringify(values)}`)
    .digest();
}

/** Returns the MAC of an entry; `previous` is the MAC of the entry before it. HMAC-SHA256, 32 bytes, as all MACs here. */
export function entryMac(key: Uint8Array, previous: Uint8Array, entry: LedgerRow): Buffer {
  const { position, grantUid, seq, at, kind, redemptionId, detail } = entry;
  return macOf(key, 'entry', previous, [position, grantUid, seq, at, kind, redemptionId, detail]);
}

/** Returns the MAC of the ledger's end; `last` is the MAC of the last entry. */
export function endMac(
  key: Uint8Array,
  last: Uint8Array,
  { writes, position, removed, removedSet, refusals }: LedgerEnd,
): Buffer {
  return macOf(key, 'end', last, [
    writes,
    position,
    removed,
    Buffer.from(removedSet).toString('hex'),
    refusals,
  ]);
}

/** The empty set of positions. */
export const NO_POSITIONS: Uint8Array = new Uint8Array(32);

/**
 * Returns a set of positions with one more. A set is the XOR of a MAC of each position. A writer of the database without the key
 * cannot compute the MAC of another position, which an exchange needs.
 */
export function withPosition(key: Uint8Array, set: Uint8Array, position: number): Uint8Array {
  return macOf(key, 'removed', NO_MAC, [position]).map((byte, index) => byte ^ (set[index] ?? 0));
}

/** Returns the MAC of the mark of a ledger: its id and its epoch. */
export function epochMac(key: Uint8Array, id: string, epoch: number): Buffer {
  return macOf(key, 'epoch', NO_MAC, [id, epoch]);
}

/** Columns of table `refusals`. */
export const REFUSAL_COLUMNS = [
  'grant_uid',
  'code',
  'name',
  'subject',
  'peer',
  'jti',
  'count',
  'first_at',
  'last_at',
  'mac',
];

/** The values of a row of refusals in the order of the columns, without its MAC. */
export type RefusalValues = readonly (string | number | null)[];

/** Returns the MAC of a row of refusals, over all its values. */
export function refusalMac(key: Uint8Array, values: RefusalValues): Buffer {
  return macOf(key, 'refusal', NO_MAC, values);
}

/** Whether the value of a column equals a MAC, compared in constant time. */
export function isMac(found: unknown, expected: Uint8Array): boolean {
  return found instanceof Uint8Array && found.length === expected.length && timingSafeEqual(found, expected);
}

/** Returns the hash of a row for its ledger entry: SHA-256 over the JSON of `values`, lower-case hex. */
export function rowHash(values: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(values));
}

import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** An entry of a grant's ledger as it is authenticated; `detail` is the text in its row. */
export interface ChainedEntry {
  readonly grantUid: string;
  readonly seq: number;
  /** 1 for the first entry of the whole ledger, then 2, without a gap. */
  readonly position: number;
  readonly at: number;
  readonly kind: string;
  readonly redemptionId: string | null;
  readonly detail: string | null;
}

/** What stands before a grant's first entry. */
export const NO_ENTRY: Uint8Array = new Uint8Array(32);

// The first word keeps the kinds apart, and JSON where one value ends and the next begins.
function code(key: Uint8Array, kind: string, previous: Uint8Array, values: readonly unknown[]): Buffer {
  const before = Buffer.from(previous.buffer, previous.byteOffset, previous.byteLength).toString('hex');
  return createHmac('sha256', key)
    .update(`${kind}${before}${JSON.stringify(values)}`)
    .digest();
}

/** The code of an entry that follows the one with the code `previous`: HMAC-SHA256, 32 bytes. */
export function entryCode(key: Uint8Array, previous: Uint8Array, entry: ChainedEntry): Buffer {
  const { grantUid, seq, position, at, kind, redemptionId, detail } = entry;
  return code(key, 'entry', previous, [grantUid, seq, position, at, kind, redemptionId, detail]);
}

/**
 * The code of a grant's head: the number of its entries, the code of the last one, and when retention checks it if the grant
 * was deleted.
 */
export function headCode(
  key: Uint8Array,
  grantUid: string,
  length: number,
  last: Uint8Array,
  checkAt: number | null,
): Buffer {
  return code(key, 'head', last, [grantUid, length, checkAt]);
}

/** The code of the database's mark: the ledger's id, and how often a restored database was accepted. */
export function epochCode(key: Uint8Array, id: string, epoch: number): Buffer {
  return code(key, 'epoch', NO_ENTRY, [id, epoch]);
}

/** The code of the whole ledger's end: how many entries were ever written, and how many of them retention has removed. */
export function endCode(key: Uint8Array, position: number, removed: number): Buffer {
  return code(key, 'end', NO_ENTRY, [position, removed]);
}

/** The code of a row of refusals, of all its values in the order of the columns. */
export function refusalCode(key: Uint8Array, values: readonly (string | number)[]): Buffer {
  return code(key, 'refusal', NO_ENTRY, values);
}

/** The code of how often a grant's refusals were counted; of all grants' for an empty uid. */
export function refusalTotalCode(key: Uint8Array, grantUid: string, times: number): Buffer {
  return code(key, 'refusals', NO_ENTRY, [grantUid, times]);
}

/** Whether what a column holds is this code. */
export function isCode(found: unknown, wanted: Uint8Array): boolean {
  return found instanceof Uint8Array && found.length === wanted.length && timingSafeEqual(found, wanted);
}

/** What an entry says of the row that it tells of: SHA-256 over the values that never change, lower-case hex. */
export function rowHash(values: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(values));
}

import type { Page } from '../../redemption/page.js';

/** The text that callers pass back as `after`: base64url of the sort key of a page's last item. */
function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * The sort key that a cursor stands for: `size` texts or numbers. Throws a RangeError for a text that no listing gave
 * out.
 */
export function decodeCursor(cursor: string, size: number): (string | number)[] {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    key = undefined;
  }
  const isKey = (value: unknown): value is (string | number)[] =>
    Array.isArray(value) &&
    value.length === size &&
    value.every((part) => typeof part === 'string' || typeof part === 'number');
  if (!isKey(key)) throw new RangeError('not a position in this listing');
  return key;
}

/** How many rows a listing reads for a page of `limit`: one more, which tells whether another page follows. */
export function rowsToRead(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), 1_000) + 1;
}

/** The page that `rows` make, of which {@link rowsToRead} were asked for; `keyOf` gives a row's sort key. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number)[],
  itemOf: (row: Row) => T,
): Page<T> {
  const size = rowsToRead(limit) - 1;
  const items = rows.slice(0, size).map(itemOf);
  const last = rows[size - 1];
  return rows.length > size && last !== undefined ? { items, next: encodeCursor(keyOf(last)) } : { items };
}

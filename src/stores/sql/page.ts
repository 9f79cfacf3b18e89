import type { Page } from '../../redemption/ports/page.js';

/** The text that callers pass back as `after`: base64url of the sort key of a page's last item. */
function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** A sort key with parts of these kinds. */
type KeyLike<Key> = { readonly [At in keyof Key]: Key[At] extends string ? string : number };

/**
 * The sort key behind which a page begins: that of its cursor, or `first` without one. Throws a RangeError for a text that
 * no listing gave out, whose parts are not of the kinds that those of `first` are.
 */
export function startOf<Key extends [] | readonly (string | number)[]>(
  cursor: string | undefined,
  first: Key,
): KeyLike<Key> {
  if (cursor === undefined) return first as KeyLike<Key>;
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    key = undefined;
  }
  const isKey =
    Array.isArray(key) && key.length === first.length && first.every((part, at) => isLike(part, key[at]));
  if (!isKey) throw new RangeError('not a position in this listing');
  return key as KeyLike<Key>;
}

/** Whether a value is of the kind of another one, and such that every database takes it. */
function isLike(part: string | number, value: unknown): boolean {
  if (typeof part === 'number') return Number.isSafeInteger(value);
  return typeof value === 'string' && !value.includes('\0');
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

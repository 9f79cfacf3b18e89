import { type LabelSelector, selectsLabels } from '../../domain/label-selector.js';
import type { Labels } from '../../domain/labels-and-note.js';
import type { Page } from '../../redemption/ports/page.js';

/** Encodes the sort key of a page's last item as the text for `after`: base64url of JSON. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** A sort key with parts of these types. */
type KeyLike<Key> = { readonly [At in keyof Key]: Key[At] extends string ? string : number };

/**
 * Returns the sort key after which a page begins: that of its cursor, or `first` without one. Throws a RangeError unless the
 * cursor has a key with parts of the same types as `first`.
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

/** Whether `value` has the type of `part`, and all databases accept it as a parameter. */
function isLike(part: string | number, value: unknown): boolean {
  if (typeof part === 'number') return Number.isSafeInteger(value);
  return typeof value === 'string' && !value.includes('\0');
}

/** Returns how many rows a listing reads for a page of `limit`: one more, which shows whether another page follows. */
export function rowsToRead(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), 1_000) + 1;
}

/** Builds a page from `rows`, of which {@link rowsToRead} were requested; `keyOf` returns a row's sort key. */
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

/** Returns the page without the items that `labels` does not select, so that a listing reads no more rows than its limit. */
export function selectByLabels<T extends { readonly labels: Labels }>(
  page: Page<T>,
  labels: LabelSelector | undefined,
): Page<T> {
  if (!labels) return page;
  return { ...page, items: page.items.filter((item) => selectsLabels(labels, item.labels)) };
}

import type { Page, PageRequest } from './page.js';

type Key = readonly (string | number)[];

/** The requested page of `items`, sorted by their keys of `size` parts. Throws RangeError for an invalid position. */
export function sortedPage<T>(
  items: readonly T[],
  request: PageRequest,
  size: number,
  keyOf: (item: T) => Key,
): Page<T> {
  const after = request.after === undefined ? undefined : decodePosition(request.after, size);
  const limit = Math.min(Math.max(Math.trunc(request.limit), 1), 1_000);
  const remaining = items
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || compareKeys(key, after) > 0)
    .sort((a, b) => compareKeys(a.key, b.key));
  const page = remaining.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    ...(remaining.length > limit &&
      last && { next: Buffer.from(JSON.stringify(last.key)).toString('base64url') }),
  };
}

function compareKeys(a: Key, b: Key): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

function decodePosition(text: string, size: number): Key {
  let key: unknown;
  try {
    key = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    key = undefined;
  }
  const isKey = (value: unknown): value is Key =>
    Array.isArray(value) &&
    value.length === size &&
    value.every((part) => typeof part === 'string' || typeof part === 'number');
  if (!isKey(key)) throw new RangeError('not a position in this listing');
  return key;
}

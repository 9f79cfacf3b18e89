const MOST = 32;

/**
 * Cuts a list into pieces of a power of two each, at most 32, the largest first: a few prepared statements do for lists of
 * any length.
 */
export function* pieces<T>(list: readonly T[]): Generator<readonly T[]> {
  let size = MOST;
  for (let start = 0; start < list.length; start += size) {
    while (size > list.length - start) size /= 2;
    yield list.slice(start, start + size);
  }
}

/** Placeholders for the values of so many rows: `(?, ?), (?, ?)`. */
export function tuples(count: number, width: number): string {
  return Array(count)
    .fill(`(${placeholders(width)})`)
    .join(', ');
}

/** Placeholders for so many values: `?, ?`. */
export function placeholders(count: number): string {
  return Array(count).fill('?').join(', ');
}

/** Random choices that are the same for the same `seed` (mulberry32). */
export function createChance(seed) {
  let state = seed >>> 0;
  /** A whole number from 0 to `limit` - 1. */
  const below = (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  return {
    below,
    pick: (items) => items[below(items.length)],
    bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))),
  };
}

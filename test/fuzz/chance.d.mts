/** Random choices that are the same for the same `seed`. */
export function createChance(seed: number): {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Buffer;
};

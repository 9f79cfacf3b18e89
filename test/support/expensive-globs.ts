/**
 * Returns globs that match no text of `character` only, and find that out after as many comparisons as possible. A policy may have
 * nine of them.
 */
export function expensiveGlobs(count: number, character = 'a'): string[] {
  return Array.from({ length: count }, (_, index) => `*${character.repeat(100 + (index % 20))}b*`);
}

/** UTF-16 units of a text that a step reads at most: one, and the next, which may be the second of a pair. */
export const READS_PER_STEP = 2;

/** A text that counts how often a UTF-16 unit of it is read. */
export class CountedText extends String {
  reads = 0;

  override charCodeAt(index: number): number {
    this.reads += 1;
    return super.charCodeAt(index);
  }
}

/**
 * Returns globs that match no text of `character` only, and find that out after as many comparisons as possible. A policy may have
 * nine of them.
 */
export function expensiveGlobs(count: number, character = 'a'): string[] {
  return Array.from({ length: count }, (_, index) => `*${character.repeat(100 + (index % 20))}b*`);
}

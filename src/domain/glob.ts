/**
 * True if the glob matches the whole value: `*` stands for any characters or none, `?` for one. Takes time in proportion to the
 * product of both lengths; a regular expression could take exponential time.
 */
export function globMatches(glob: string, value: string): boolean {
  const pattern = [...glob];
  const text = [...value];
  let patternAt = 0;
  let textAt = 0;
  // The last `*`, and where the text after its match begins. On a mismatch the `*` matches one more character.
  let star = -1;
  let starEnd = 0;
  while (textAt < text.length) {
    if (pattern[patternAt] === '*') {
      star = patternAt++;
      starEnd = textAt;
    } else if (
      patternAt < pattern.length &&
      (pattern[patternAt] === '?' || pattern[patternAt] === text[textAt])
    ) {
      patternAt++;
      textAt++;
    } else if (star >= 0) {
      patternAt = star + 1;
      textAt = ++starEnd;
    } else {
      return false;
    }
  }
  return pattern.slice(patternAt).every((character) => character === '*');
}

/** Returns the longest part of a glob without wildcards, which every matching value contains; empty if there is none. */
export function longestLiteral(glob: string): string {
  return glob.split(/[*?]/).reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

/**
 * True if all of `value` matches: `*` stands for any characters or none, `?` for one. Its time is at most the product of
 * both lengths; a regular expression could take exponential time.
 */
export function globMatches(glob: string, value: string): boolean {
  const pattern = [...glob];
  const text = [...value];
  let at = 0;
  let index = 0;
  // Where to resume after the last `*` on a mismatch: the `*` then matches one more character.
  let star = -1;
  let resumed = 0;
  while (index < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      resumed = index;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++resumed;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every((rest) => rest === '*');
}

/** Returns the longest part of a glob without wildcards, which every matching value contains; empty if there is none. */
export function longestLiteral(glob: string): string {
  return glob.split(/[*?]/).reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

import { MAX_NAME_LENGTH } from '../../domain/names.js';

const STAR = 42;
const QUESTION_MARK = 63;

/**
 * True if the glob matches the whole text: `*` stands for any characters or none, `?` for one. The part before the first `*`
 * begins the text, and the part after the last `*` ends it. The parts between them follow each other, each at its first match.
 */
export function globMatches(glob: string, text: string): boolean {
  const firstStar = glob.indexOf('*');
  const prefixEnd = endOfPrefix(firstStar < 0 ? glob : glob.slice(0, firstStar), text);
  if (firstStar < 0) return prefixEnd === text.length;
  const lastStar = glob.lastIndexOf('*');
  const suffixStart = startOfSuffix(glob.slice(lastStar + 1), text);
  if (prefixEnd < 0 || prefixEnd > suffixStart) return false;
  return innerPartsMatch(glob.slice(firstStar, lastStar + 1), text, prefixEnd, suffixStart);
}

/** Like {@link globMatches}, ignoring case: for the filters of lists. */
export function globMatchesIgnoringCase(glob: string, text: string): boolean {
  return globMatches(toLowerCase(glob), toLowerCase(text));
}

/**
 * Changes letters to lower case, except the Kelvin sign and the capital I with a dot: only these two become ASCII letters, which a
 * database would not find in the text (see {@link longestLiteral}).
 */
function toLowerCase(text: string): string {
  return text.replace(/[^\u0130\u212a]+/g, (part) => part.toLowerCase());
}

/**
 * Returns how many steps the search for the parts of a glob between two `*` needs at most in a text: for each position of the text, as
 * many comparisons as the longest part has characters, and a step to the next position. Zero without such a part: each character of
 * the glob is then compared once at most.
 */
export function globCost(glob: string, textLength = MAX_NAME_LENGTH): number {
  const lastStar = glob.lastIndexOf('*');
  let star = glob.indexOf('*');
  let longest = 0;
  for (let at = star + 1; at <= lastStar; at++) {
    if (glob.charCodeAt(at) !== STAR) continue;
    longest = Math.max(longest, at - star - 1);
    star = at;
  }
  return longest === 0 ? 0 : (longest + 1) * textLength;
}

/**
 * Returns the longest part of a glob without wildcards that is printable ASCII, which every matching value contains; empty if there is
 * none. Databases ignore the case of ASCII letters alike, but not that of others.
 */
export function longestLiteral(glob: string): string {
  return glob
    .split(/[*?]|[^ -~]/)
    .reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

/** Returns where the beginning of the text that `part` matches ends; -1 if it matches none. */
function endOfPrefix(part: string, text: string): number {
  let end = 0;
  for (let at = 0; at < part.length; at++) {
    if (end >= text.length || !unitMatches(part, at, text, end)) return -1;
    end = afterMatch(part, at, text, end);
  }
  return end;
}

/** Returns where the end of the text that `part` matches begins; -1 if it matches none. */
function startOfSuffix(part: string, text: string): number {
  let start = text.length;
  for (let at = part.length - 1; at >= 0; at--) {
    start -= 1;
    if (start < 0 || !unitMatches(part, at, text, start)) return -1;
    if (part.charCodeAt(at) === QUESTION_MARK && isLowSurrogate(text.charCodeAt(start))) start -= 1;
  }
  return start;
}

/** True if the parts of `glob`, which begins and ends with `*`, match between two positions of the text. */
function innerPartsMatch(glob: string, text: string, from: number, to: number): boolean {
  let at = 0;
  let end = from;
  // The position of the `*` before the current part, and the position in the text where this part is tried.
  let star = 0;
  let start = from;
  while (at < glob.length) {
    if (glob.charCodeAt(at) === STAR) {
      star = at++;
      start = end;
    } else if (end < to && unitMatches(glob, at, text, end)) {
      end = afterMatch(glob, at++, text, end);
    } else if (end < to) {
      at = star + 1;
      start = afterCharacter(text, start);
      end = start;
    } else {
      // Every later start leaves fewer characters for the part.
      return false;
    }
  }
  return true;
}

// Positions are those of UTF-16 units. `?` stands for a whole character, which has two of them outside the basic plane.

function unitMatches(glob: string, at: number, text: string, textAt: number): boolean {
  const unit = glob.charCodeAt(at);
  return unit === QUESTION_MARK || unit === text.charCodeAt(textAt);
}

function afterMatch(glob: string, at: number, text: string, textAt: number): number {
  return glob.charCodeAt(at) === QUESTION_MARK ? afterCharacter(text, textAt) : textAt + 1;
}

function afterCharacter(text: string, at: number): number {
  return isLowSurrogate(text.charCodeAt(at + 1)) ? at + 2 : at + 1;
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}

const { compare } = new Intl.Collator('en', { numeric: true });

/** Compares two texts for a sorted list: upper case beside lower case, and `site-2` before `site-10`. */
export function compareTexts(one: string, other: string): number {
  return compare(one, other);
}

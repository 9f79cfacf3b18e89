import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  globCost,
  globMatches,
  globMatchesIgnoringCase,
  longestLiteral,
} from '../../../../src/redemption/accepting/glob.js';
import { CountedText, READS_PER_STEP } from '../../../support/expensive-globs.js';

/** How often a character of the text is read to match it with a glob. */
function readsOf(glob: string, text: string): number {
  const counted = new CountedText(text);
  globMatches(glob, counted as unknown as string);
  return counted.reads;
}

const CHARACTERS = ['a', 'é', '字', '🛰'];
const text = (units: readonly string[], maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...units), maxLength });

describe('a glob', () => {
  it('with any wildcards matches the same texts as the equivalent regular expression', () => {
    const globs = text([...CHARACTERS, '*', '?'], 8);
    fc.assert(
      fc.property(globs, text(CHARACTERS, 10), (glob, value) => {
        const expression = new RegExp(`^${glob.replaceAll('*', '[^]*').replaceAll('?', '[^]')}$`, 'u');
        expect(globMatches(glob, value)).toBe(expression.test(value));
      }),
      { numRuns: 20_000 },
    );
  });

  it('matches, ignoring case, only texts that contain its longest literal, ignoring the case of ASCII letters', () => {
    const units = ['a', 'B', 'é', 'É', 'i', 'k', '\u0130', '\u212a'];
    const lower = (value: string) => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    fc.assert(
      fc.property(text([...units, '*', '?'], 6), text(units, 8), (glob, value) => {
        for (const one of [value, value.toLowerCase(), value.toUpperCase()])
          if (globMatchesIgnoringCase(glob, one)) expect(lower(one)).toContain(lower(longestLiteral(glob)));
        expect(globMatchesIgnoringCase(value, value.toUpperCase())).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  it('with any wildcards needs at most the steps that it costs, and one for each of its characters', () => {
    const parts = fc.array(
      fc.oneof(
        text(['a', '?'], 60),
        fc.nat(125).map((length) => `${'a'.repeat(length)}b`),
      ),
      { minLength: 1, maxLength: 12 },
    );
    const globs = parts.map((some) => some.join('*').slice(0, 253));
    fc.assert(
      fc.property(globs, fc.constantFrom(...CHARACTERS), (glob, character) => {
        const hostile = glob.replaceAll('a', character);
        const steps = globCost(hostile) + hostile.length;
        expect(readsOf(hostile, character.repeat(253))).toBeLessThanOrEqual(READS_PER_STEP * steps);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['exact', 'west-1'],
    ['exact with ?', 'west-?'],
    ['a prefix', 'west-*'],
    ['a suffix', '*-west'],
    ['a prefix and a suffix', 'west-*.example.com'],
    ['any text', '*'],
    ['any text, written twice', '**'],
    ['empty', ''],
  ])('that is %s costs nothing', (_, glob) => {
    expect(globCost(glob)).toBe(0);
  });

  it.each([
    ['*a*', 2 * 253],
    ['x*ab*y', 3 * 253],
    ['*a*abcd*ab*xxxxxxxxxxxxxxxxxxx', 5 * 253],
    ['*a?c*', 4 * 253],
  ])('%s costs the steps of its longest text between two *', (glob, cost) => {
    expect(globCost(glob)).toBe(cost);
  });
});

import { describe, expect, it } from 'vitest';
import { withFlagValue, wordsOfLine } from '../../../src/cli/completion-line.js';

const env = { HOME: '/home/ada', STORE: 'my store' };

describe('the beginning of a command line', () => {
  it.each([
    ['grant show ', ['grant', 'show', '']],
    ['grant  show\tfl', ['grant', 'show', 'fl']],
    ['--dir ~/links ~ ~bob/x a~', ['--dir', '/home/ada/links', '/home/ada', '~bob/x', 'a~']],
    ['"~/links" \\~/links', ['~/links', '~/links']],
    [`$HOME/a \${HOME}b $ABSENT/c`, ['/home/ada/a', '/home/adab', '/c']],
    [`'$HOME' "$STORE/x" my\\ store`, ['$HOME', 'my store/x', 'my store']],
    [`"a 'b' \\"c\\" \\$HOME"'d "e"'f`, [`a 'b' "c" $HOMEd "e"f`]],
    ['$(touch pwned) `id`', ['$(touch', 'pwned)', '`id`']],
    ['show "fl ee', ['show', 'fl ee']],
    ['show \\', ['show', '']],
  ])('%s is read as %j', (line, words) => {
    expect(wordsOfLine(line, env)).toEqual(words);
  });

  it.each([
    [
      ['list', '--output=js'],
      ['list', '--output', 'js'],
    ],
    [
      ['list', '--label=a=b'],
      ['list', '--label', 'a=b'],
    ],
    [
      ['list', '--output='],
      ['list', '--output', ''],
    ],
    [
      ['list', '--output'],
      ['list', '--output'],
    ],
  ])('of %j completes the last of %j', (words, split) => {
    expect(withFlagValue(words)).toEqual(split);
  });
});

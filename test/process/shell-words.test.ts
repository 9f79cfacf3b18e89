import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { operand, shell, shellCommand, shellWord } from '../../src/domain/shell-words.js';

const WORDS = [
  '',
  '$(touch pwned)',
  '`touch pwned`',
  'a; touch pwned; b',
  "a'; touch pwned; '",
  "a\\'; touch pwned; '",
  'ends with a backslash \\',
  '$HOME',
  '~',
  '~root/x',
  '*',
  '{a,b}',
  '!!',
  '=ls',
  'a#b #c',
  '"$&"',
  '--label=a=b',
  'München',
];

describe('an operand', () => {
  it.each(['--yes', '-x.yaml', '-', '--data-dir=/tmp/x', '-- $(touch pwned)'])(
    'the operand %j is not read as a flag',
    (value) => {
      const command = shell`printf '%s\\0' grant show ${value} -n ${value} --grant=${value} ${value}`;
      const words = execFileSync('sh', ['-c', command], { encoding: 'utf8' }).split('\0');
      const path = `./${value}`;
      // Only operands get the prefix `./`. The value of a flag stays, because a program never reads it as a flag.
      expect(words).toEqual(['grant', 'show', path, '-n', value, `--grant=${value}`, path, '']);
      expect(operand(value)).toBe(path);
    },
  );

  it('is unchanged if it does not begin with -', () => {
    expect(shell`grant show ${'hub-'} ${'a b'} -n ${'-'}`).toBe("grant show hub- 'a b' -n -");
  });
});

describe('words of a shell command', () => {
  it.each([
    ['sh', ['-c']],
    ['bash', ['-c']],
    ['zsh', ['-f', '-c']],
    ['fish', ['--no-config', '-c']],
  ] as const)('%s reads each quoted word unchanged', (program, flags) => {
    const command = shellCommand(['printf', '%s\\0', ...WORDS]);
    expect(execFileSync(program, [...flags, command], { encoding: 'utf8' })).toBe(
      WORDS.map((word) => `${word}\0`).join(''),
    );
  });

  it.each([
    ['a line break', '\n'],
    ['a carriage return', '\r'],
    ['a tab', '\t'],
    ['Ctrl+C', '\x03'],
    ['Ctrl+D', '\x04'],
    ['an escape sequence', '\x1b[201~'],
    ['a C1 control', '\x9b'],
    ['a change of direction', '\u202e'],
    ['a zero width space', '\u200b'],
    ['a line separator', '\u2028'],
    ['half of a surrogate pair', '\ud83d'],
  ])('replaces %s, because it is invisible or controls a terminal', (_what, text) => {
    const word = shellWord(`hub${text}touch pwned 🌍`);
    expect(word).toMatch(/^'hub\ufffd.*touch pwned 🌍'$/u);
    expect(word).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  });

  it.each(['west', '2d', '/var/lib/linkgrant', 'https://grants.example.com:9090', 'a=b,c=d', '-n'])(
    'leaves %s without quotes',
    (word) => {
      expect(shellWord(word)).toBe(word);
    },
  );
});

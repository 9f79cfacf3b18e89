import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { readProjectFile, sectionsOf } from './document.js';

const section = sectionsOf(readProjectFile('docs/explanation/security.md')).find(
  ({ heading }) => heading === 'What is protected against whom',
);
// The first row is the heading of the table; the separator does not begin with `| `.
const rows = (section?.text ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(1)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, attacker = '', can = '', cannot = '', shownBy = '']) => ({ attacker, can, cannot, shownBy }));

/** The tests that a cell names. */
function testsOf(shownBy: string) {
  return shownBy.split('<br>').map((test) => {
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(test) ?? [];
    return { file, title };
  });
}

/** True when the source of a test file has a test of that title. */
function hasTest(source: string, title: string): boolean {
  const written = [title, title.replaceAll("'", "\\'")].flatMap((text) => [
    `'${text}',`,
    `"${text}",`,
    `\`${text}\`,`,
  ]);
  const calls = source.match(/\(\s*(['"`])(?:\\.|(?!\1)[^\\])*\1,/g) ?? [];
  return calls.some((call) => written.includes(call.slice(1).trim()));
}

describe('the table of attackers in docs/explanation/security.md', () => {
  it('names attackers and what each can do', () => {
    const named = rows.filter(({ attacker }) => attacker !== '');
    expect(named.length).toBeGreaterThan(10);
    for (const { attacker, can } of named) expect(can, attacker).not.toBe('');
  });

  it.each(rows)('names tests that exist for "$cannot"', ({ cannot, shownBy }) => {
    expect(cannot).not.toBe('');
    for (const { file, title } of testsOf(shownBy)) {
      expect(file).toMatch(/^test\/.+\.ts$/);
      expect(existsSync(`${PROJECT}/${file}`), file).toBe(true);
      expect(hasTest(readProjectFile(file), title), `${file}: ${title}`).toBe(true);
    }
  });
});

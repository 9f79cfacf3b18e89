import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { readProjectFile, sectionsOf } from './document.js';

const ATTACKERS = [
  'Stranger',
  'Holder of a code',
  'Holder of a link',
  'Tenant who writes AccessGrants',
  'Tenant who writes AccessTokens',
  'Hostile server',
  'Hostile webhook receiver',
  'Database writer',
  'Other user of the machine',
  'Web page',
  'Viewer',
  'Reader of Secrets',
];

const section = sectionsOf(readProjectFile('docs/explanation/security.md')).find(
  ({ heading }) => heading === 'What is protected against whom',
);
// The first two lines of a table are its heading and the separator.
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
  it('lists each attacker and what it can do', () => {
    const named = rows.filter(({ attacker }) => attacker !== '');
    for (const attacker of ATTACKERS) {
      const row = named.find((candidate) => candidate.attacker.startsWith(`**${attacker}**`));
      expect(row?.can ?? '', attacker).not.toBe('');
    }
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

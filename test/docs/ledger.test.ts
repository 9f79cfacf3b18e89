import { expect, it } from 'vitest';
import { LEDGER_KINDS } from '../../src/domain/ledger-kind.js';
import { readProjectFile } from './document.js';

it('docs/explanation/ledger.md describes each kind of ledger entry', () => {
  const [, table = ''] =
    /\| Kind \|.*\n([\s\S]*?)\n\n/.exec(readProjectFile('docs/explanation/ledger.md')) ?? [];
  const kinds = table.split('\n').flatMap((line) => (line.split('|')[1] ?? '').match(/`\w+`/g) ?? []);
  expect(kinds).toEqual(expect.arrayContaining(LEDGER_KINDS.map((kind) => `\`${kind}\``)));
});

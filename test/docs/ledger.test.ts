import { expect, it } from 'vitest';
import { LISTED_KINDS } from '../../src/domain/ledger-kind.js';
import { readProjectFile } from './document.js';

it('docs/explanation/ledger.md describes each kind in a listing of the ledger', () => {
  const [, table = ''] =
    /\| Kind \|.*\n([\s\S]*?)\n\n/.exec(readProjectFile('docs/explanation/ledger.md')) ?? [];
  const kinds = table.split('\n').flatMap((line) => (line.split('|')[1] ?? '').match(/`\w+`/g) ?? []);
  expect(kinds).toEqual(expect.arrayContaining(LISTED_KINDS.map((kind) => `\`${kind}\``)));
});

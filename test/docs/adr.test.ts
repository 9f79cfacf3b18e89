import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PROJECT } from '../support/programs.js';
import { readProjectFile } from './document.js';

it('docs/adr/README.md lists each record with its title', () => {
  const records = readdirSync(join(PROJECT, 'docs/adr'))
    .filter((file) => /^\d{4}-/.test(file))
    .sort();
  const rows = records.map((file) => {
    const [, number, title] = /^# (\d+)\. (.+)$/m.exec(readProjectFile(`docs/adr/${file}`)) ?? [];
    return `| ${number} | [${title}](${file}) |`;
  });
  expect(readProjectFile('docs/adr/README.md').match(/^\| \d+ \|.*$/gm)).toEqual(rows);
});

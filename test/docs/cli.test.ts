import { expect, it } from 'vitest';
import { programCommands } from '../support/program-commands.js';
import { readProjectFile } from './document.js';

it('docs/reference/cli.md lists each command, and no other', () => {
  const [section = ''] = readProjectFile('docs/reference/cli.md').split('## Common flags');
  const rows = section.match(/^\| `.*?` \|/gm) ?? [];
  const listed = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)]).map(([, text = '']) => text);
  const names = listed.map((text) => text.replace(/( [A-Z]+)+$/, ''));
  const commands = programCommands().filter(({ hasSubcommands }) => !hasSubcommands);
  expect(names.sort()).toEqual(commands.map(({ name }) => name).sort());
});

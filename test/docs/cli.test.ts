import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { readProjectFile } from './document.js';

/** The commands without subcommands, such as `grant create`, except the hidden one that completion scripts call. */
function commandsOf(command: Command, prefix: string): string[] {
  const commands = command.commands.filter((child) => child.name() !== '__complete');
  return commands.flatMap((child) => {
    const name = `${prefix}${child.name()}`;
    return child.commands.length > 0 ? commandsOf(child, `${name} `) : [name];
  });
}

it('docs/reference/cli.md lists each command, and no other', () => {
  const [section = ''] = readProjectFile('docs/reference/cli.md').split('## Common flags');
  const rows = section.match(/^\| `.*?` \|/gm) ?? [];
  const listed = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)]).map(([, text = '']) => text);
  const names = listed.map((text) => text.replace(/( [A-Z]+)+$/, ''));
  const program = createProgram({ clock: Date.now, checkpoint: () => undefined });
  expect(names.sort()).toEqual(commandsOf(program, '').sort());
});

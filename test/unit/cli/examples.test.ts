import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { visibleChildren } from '../../../src/cli/completion.js';
import { EXAMPLES } from '../../../src/cli/examples.js';
import { createProgram } from '../../../src/cli/program.js';

const program = createProgram();

/** Every visible command by its path, the program too. */
function commandsBelow(command: Command, path = ''): [string, Command][] {
  const children = visibleChildren(command);
  return [
    [path, command],
    ...children.flatMap((child) => commandsBelow(child, `${path} ${child.name()}`.trim())),
  ];
}

const commands = new Map(commandsBelow(program));

/** The words of a shell command without variables. */
function wordsOf(command: string): string[] {
  return (command.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'));
}

it('each command but version has at least one example in its help', () => {
  const paths = [...commands.keys()].filter((path) => path !== 'version');
  expect(Object.keys(EXAMPLES).sort()).toEqual(paths.sort());
});

it.each(Object.values(EXAMPLES).flatMap((examples) => examples.map(([, words]) => words)))(
  'the example `linkgrant %s` has the arguments and flags of its command',
  (example) => {
    const words = wordsOf(example);
    const path = words.slice(0, commands.has(words.slice(0, 2).join(' ')) ? 2 : 1).join(' ');
    const command = commands.get(path);
    if (!command) throw new Error(`there is no command ${path}`);
    const { operands, unknown } = command.parseOptions(words.slice(path.split(' ').length));
    expect(unknown).toEqual([]);
    const required = command.registeredArguments.filter(({ required }) => required).length;
    expect(operands.length).toBeGreaterThanOrEqual(required);
    if (command.registeredArguments.some(({ variadic }) => variadic)) return;
    expect(operands.length).toBeLessThanOrEqual(command.registeredArguments.length);
  },
);

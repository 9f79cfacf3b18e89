import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.js';

/** A command with its parents, such as `grant create`, and whether it has subcommands. */
export interface ProgramCommand {
  readonly name: string;
  readonly hasSubcommands: boolean;
}

function commandsBelow(command: Command, prefix: string): ProgramCommand[] {
  const children = command.commands.filter((child) => child.name() !== '__complete');
  return children.flatMap((child) => {
    const name = `${prefix}${child.name()}`;
    return [{ name, hasSubcommands: child.commands.length > 0 }, ...commandsBelow(child, `${name} `)];
  });
}

/** Returns every command of the program, except the hidden one that completion scripts call. */
export const programCommands = (): ProgramCommand[] => commandsBelow(createProgram(), '');

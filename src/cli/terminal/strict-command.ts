import { Command } from 'commander';

/**
 * A command that refuses `--flag --other`: the value of `--flag` is missing, and Commander would use `--other` as the value.
 * `--flag=--value` stays possible. For an unknown subcommand it suggests the one to use, if `otherNames` has one for its words. For an
 * operand of a command that takes none but has a flag `--token`, it suggests that flag.
 */
export class StrictCommand extends Command {
  readonly #otherNames: ReadonlyMap<string, string>;

  constructor(name: string | undefined, otherNames: ReadonlyMap<string, string>) {
    super(name);
    this.#otherNames = otherNames;
  }

  override createCommand(name?: string): Command {
    return new StrictCommand(name, this.#otherNames);
  }

  override error(message: string, options?: Parameters<Command['error']>[1]): never {
    const { code = '' } = options ?? {};
    const path = this.#pathOf(this.args[0]);
    const name = code === 'commander.unknownCommand' ? this.#otherNames.get(path) : undefined;
    // As Commander's own suggestion of a similar name, which this one replaces.
    const [error] = message.split('\n');
    const acceptsTokenOnlyAsFlag =
      this.registeredArguments.length === 0 && this.options.some(({ long }) => long === '--token');
    if (code === 'commander.excessArguments' && acceptsTokenOnlyAsFlag) {
      // Without the operand: a join line contains the code.
      return super.error(`${error}\n(Did you mean --token FILE?)`, options);
    }
    return super.error(name === undefined ? message : `${error}\n(Did you mean ${name}?)`, options);
  }

  /** The words of a subcommand after the name of the program. */
  #pathOf(subcommand = ''): string {
    const names = [subcommand];
    for (let command: Command = this; command.parent; command = command.parent) names.unshift(command.name());
    return names.join(' ');
  }

  override parseOptions(words: string[]): ReturnType<Command['parseOptions']> {
    for (let index = 0; index < words.length && words[index] !== '--'; index += 1) {
      const word = words[index];
      const option = this.options.find(({ short, long }) => word === short || word === long);
      if (!option?.required) continue;
      index += 1;
      const value = words[index];
      if (!value?.startsWith('--')) continue;
      const advice = `for a value that begins with --, use ${option.long}=VALUE`;
      this.error(`error: option '${option.flags}' argument missing before '${value}'; ${advice}`);
    }
    return super.parseOptions(words);
  }
}

import { Command } from 'commander';

/**
 * A command that refuses `--flag --other`: the value of `--flag` is missing, and Commander would use `--other` as the value.
 * `--flag=--value` stays possible.
 */
export class StrictCommand extends Command {
  override createCommand(name?: string): Command {
    return new StrictCommand(name);
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

import { Command } from 'commander';

/** Commands that users expect but that do not exist, by their words, each with the command to use. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  redeem: 'token redeem',
  issue: 'token issue',
  renew: 'link renew',
  revoke: 'redemption revoke',
  rotate: 'issuer prepare',
  backup: 'store backup',
  restore: 'store restore',
  status: 'link status',
  check: 'doctor',
  'link list': 'link status',
  'link show': 'link status NAME',
  'link create': 'join, or link generate',
  'link add': 'join, or link generate',
  'link revoke': 'redemption revoke',
  'link rotate': 'link renew',
  'token create': 'token issue',
  'token show': 'token inspect',
  'token delete': 'token revoke',
  'token join': 'join',
  'grant issue': 'token issue --grant NAME',
  'grant get': 'grant show',
  'grant extend': 'grant update',
  'grant shorten': 'grant update --expiration-window',
  'grant edit': 'grant update',
  'grant label': 'grant update --label',
  'redemption get': 'redemption show',
  'redemption delete': 'redemption revoke',
  'redemption renew': 'link renew',
  'redemption label': 'redemption update --label',
  'redemption verify': 'redemption list --verify',
  'issuer rotate': 'issuer prepare, then issuer activate and issuer retire',
  'issuer renew': 'issuer prepare',
  'issuer show': 'issuer list',
  'issuer delete': 'issuer retire',
  'store verify': 'redemption list --verify',
  'store upgrade': 'store migrate',
};

/**
 * A command that suggests the right one for an unknown subcommand in {@link OTHER_NAMES}. It also refuses `--flag --other`, because
 * the value of `--flag` is missing and Commander would use `--other` as the value. `--flag=--value` stays possible.
 */
export class StrictCommand extends Command {
  override createCommand(name?: string): Command {
    return new StrictCommand(name);
  }

  override error(message: string, options?: Parameters<Command['error']>[1]): never {
    const { code = '' } = options ?? {};
    const path = this.#pathOf(this.args[0]);
    const isOther = code === 'commander.unknownCommand' && Object.hasOwn(OTHER_NAMES, path);
    const name = isOther ? OTHER_NAMES[path] : undefined;
    // As Commander's own suggestion of a similar name, which this one replaces.
    const [error] = message.split('\n');
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

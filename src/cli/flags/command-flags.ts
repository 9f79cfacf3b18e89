import { type Command, Option } from 'commander';
import type { SettingKey } from '../../config/settings.js';
import { usageError } from '../terminal/command-error.js';
import { headingOf } from '../terminal/option-groups.js';
import { parseListingFormat, parseOutputFormat } from '../terminal/output-format.js';
import { ADMINISTRATION_SETTINGS, collect, settingOption } from '../terminal/settings-options.js';

/** The `-o` of a command that reports one result; the `-o` of a list has more formats, see {@link addListFlags}. */
export const OUTPUT = () =>
  new Option('-o, --output <FORMAT>', 'json or yaml instead of text').argParser(parseOutputFormat);

/** The `--dry-run` of commands that change something. */
export const DRY_RUN = (description = 'print what would be changed, and change nothing') =>
  new Option('--dry-run', description);

/** Adds the flags of a command that lists. */
export function addListFlags(command: Command): Command {
  return command
    .addOption(
      new Option('-o, --output <FORMAT>', 'wide, name, json, yaml or csv instead of columns').argParser(
        parseListingFormat,
      ),
    )
    .option('--no-headers', 'without the headings of columns')
    .option('--sort-by <COLUMN>', 'sort by a column, such as name')
    .option('-w, --watch', 'list again every 2 s and print what has changed, until Ctrl-C');
}

/** Adds the flags of settings, and `--config`, to a command. `isServe` if the command is `serve`. */
export function withSettings(command: Command, keys: readonly SettingKey[], isServe = false): Command {
  for (const key of keys) command.addOption(settingOption(key, isServe));
  const config = new Option(
    '--config <FILE>',
    'configuration file (default: config.yaml in the data directory)',
  );
  const heading = headingOf('config', isServe);
  return command.addOption(heading === undefined ? config : config.helpGroup(heading));
}

/**
 * Returns the value of `--proxy`. Throws a CommandError if it contains a user name or a password, because other users of the
 * machine can read the arguments of a process.
 */
function parseProxyFlag(value: string): string {
  if (!value.includes('@')) return value;
  throw usageError(
    '--proxy cannot have a user name or a password',
    'set HTTPS_PROXY to this URL instead, or name a Secret with --proxy-secret FILE if the command has that flag',
  );
}

/** Adds the flags for a token without a code: its service, if it is named by a URL, and the identity of the site. */
export function addIdentityFlags(command: Command): Command {
  return command
    .option('--ca <FILE>', 'for a URL: CA of the service, in PEM (default: the CAs that Node trusts)')
    .option('--ca-sha256 <HEX>', 'for a URL: SHA-256 fingerprint of the CA of the service')
    .option(
      '--identity-token-file <FILE>',
      'for a URL or a line without a code: file with a token of the identity provider, which is a secret; read again for each attempt (default: LINKGRANT_IDENTITY_TOKEN_FILE)',
    )
    .option(
      '--identity-command <COMMAND>',
      'for a URL or a line without a code: shell command that prints such a token for the audience in the variable LINKGRANT_IDENTITY_AUDIENCE (default: LINKGRANT_IDENTITY_COMMAND)',
    )
    .option(
      '--identity-audience <AUDIENCE>',
      'audience of the identity token; a token for another one is not sent (default: LINKGRANT_IDENTITY_AUDIENCE, else the origin of the URL)',
    );
}

/** Adds the flags of a command that connects to services or routers. */
export function addConnectionFlags(command: Command): Command {
  return addRouteFlags(command.option('--timeout <DURATION>', 'time limit of one exchange (default: 10s)'));
}

/** Adds the flags for the route by which a command connects. */
export function addRouteFlags(command: Command): Command {
  return command
    .option(
      '--proxy <URL>',
      'HTTP proxy, without user name and password (default: HTTPS_PROXY, unless NO_PROXY lists the host)',
      parseProxyFlag,
    )
    .option(
      '--connect-to <HOST:PORT:ADDR:PORT>',
      "connect to another address, like curl's flag; may be repeated",
      collect,
    );
}

/** Adds a command that works on the grants of a store, a cluster or a service, with the settings that select it. */
export function grantCommand(parent: Command, nameAndArguments: string, description: string): Command {
  return withSettings(parent.command(nameAndArguments).description(description), ADMINISTRATION_SETTINGS);
}

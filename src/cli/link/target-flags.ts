import { type Command, Option } from 'commander';
import type { SettingKey } from '../../config/settings.js';
import { withSettings } from '../flags/command-flags.js';
import { usageError } from '../terminal/command-error.js';
import { optionHeading } from '../terminal/option-groups.js';

/** The settings that select the links of a site. */
export const LOCATION_SETTINGS: readonly SettingKey[] = [
  'namespace',
  'platform',
  'skupperHome',
  'kubeconfig',
  'context',
  'dataDir',
];

/** Returns the `--wait` of commands that write a Link in a cluster. */
export function waitOption(defaultState: string): Option {
  return new Option(
    '--wait <STATE>',
    `wait until the controller reports the link as ready or configured; none: do not wait (default: ${defaultState})`,
  )
    .choices(['ready', 'configured', 'none'])
    .helpGroup(optionHeading('on kubernetes'));
}

/** Returns the `--deadline` of commands that wait for the controller of a cluster. */
export function deadlineOption(): Option {
  return new Option('--deadline <DURATION>', 'time limit of the wait (default: 1m)').helpGroup(
    optionHeading('on kubernetes'),
  );
}

/** Reads the value of `--reload-command`. An empty one is a usage error, because it would succeed without a reload. */
function parseReloadCommand(value: string): string {
  if (value.trim() !== '') return value;
  throw usageError(
    '--reload-command cannot be empty',
    'use a shell command (`true` if another program reloads the router), or omit the flag',
  );
}

/** Adds `--reload-command`. */
export function addReload(command: Command): Command {
  return command.option(
    '--reload-command <COMMAND>',
    'shell command that reloads the router (default on a site: `skupper system reload`, if skupper is installed)',
    parseReloadCommand,
  );
}

/** Adds the flags for the target of a link, its fields and its reload. */
export function addTarget(command: Command): Command {
  addPlace(command)
    .option('--name <NAME>', "name of the link (default: the token's)")
    .option(
      '--subject <SUBJECT>',
      "subject of the certificate (default: the token's subject, else the site's uid, else the name)",
    )
    .option('--renew', 'request a certificate of 30 days, which `link renew` will renew (default: 5 years)');
  return withSettings(command, [...LOCATION_SETTINGS, 'ownKey']);
}

/** Adds the flags for the directory of a link, its cost, proxy and reload. */
export function addPlace(command: Command): Command {
  command
    .option(
      '--to <DIR>',
      'on the standalone platform: directory for Secret-<name>.yaml and Link-<name>.yaml, or - for standard output',
    )
    .addOption(
      new Option(
        '--link-cost <N>',
        'cost of the link (default: that of the token, else of the received Link)',
      ),
    )
    // Skupper's name of --link-cost, accepted but not listed.
    .addOption(new Option('--cost <N>').hideHelp());
  return addReload(command).option(
    '--proxy-secret <FILE>',
    'file with the basic-auth Secret of an HTTP proxy for this command and for the router',
  );
}

/** Renames the flag `--cost` to `--link-cost`, its other name. If both are given, `--link-cost` applies. */
export function withCost<T extends { cost?: string; linkCost?: string }>({ cost, ...flags }: T): T {
  return (cost === undefined ? flags : { linkCost: cost, ...flags }) as T;
}

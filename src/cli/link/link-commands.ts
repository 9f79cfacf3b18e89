import { type Command, Option } from 'commander';
import { SERVICE_SETTINGS, type SettingKey } from '../../config/settings.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import { addConnectionFlags, OUTPUT, withSettings } from '../terminal/command-flags.js';
import { CLUSTER_SETTINGS, STORE_SETTINGS } from '../terminal/settings-options.js';
import { parseReloadCommand } from './reload-command.js';
import { deadlineOption, waitOption } from './requesting-commands.js';

interface Context {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

const PLACE_SETTINGS: readonly SettingKey[] = [
  'namespace',
  'platform',
  'skupperHome',
  'kubeconfig',
  'context',
  'dataDir',
];

function addPlace(command: Command, settings = PLACE_SETTINGS): Command {
  return withSettings(
    command.option(
      '--dir <DIR>',
      "directory of the Link and Secret files (default: the namespace's input/resources)",
    ),
    settings,
  );
}

/** Skupper's `--cost` for our `--link-cost`. */
function addCost(command: Command): Command {
  return command
    .addOption(new Option('--cost <N>', 'cost of the link'))
    .addOption(new Option('--link-cost <N>').hideHelp());
}

function addReload(command: Command): Command {
  return command.option(
    '--reload-command <COMMAND>',
    "shell command that puts the change to use (default on a site: Skupper's reload, where that is installed)",
    parseReloadCommand,
  );
}

/** Adds `link` with its verbs. */
export function addLink(program: Command, context: Context): void {
  const link = program.command('link').description('links of this site: made, checked, changed, removed');
  addPlace(
    link
      .command('status [NAME]')
      .description(
        "this site's links to others and when their certificates end, and who linked to this site",
      ),
    [...PLACE_SETTINGS, 'store'],
  )
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./link-status.js')).statusCommand(name, flags, context));
  addConnectionFlags(
    addPlace(
      link
        .command('check [NAME]')
        .description("dial every endpoint with the link's own credentials and tell what is wrong"),
    ),
  )
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./link-check.js')).checkCommand(name, flags, context));
  const generate = addCost(
    link
      .command('generate [NAME]')
      .description('write a Link and Secret for one peer, with a credential of its own, and record them'),
  )
    .option('--to <DIR>', 'directory for the two files, or - for standard output', '-')
    .option('--subject <SUBJECT>', 'subject of the certificate (default: the name)')
    .option('--issuer <NAME>', "CA that signs (default: the site's)");
  withSettings(generate, [
    ...STORE_SETTINGS,
    ...CLUSTER_SETTINGS,
    'skupperHome',
    'host',
    'endpoint',
    'issuerCert',
    'issuerKey',
  ]).action(async (name, { cost, ...flags }) =>
    (await import('./link-generate.js')).generateCommand(
      name,
      cost === undefined ? flags : { linkCost: cost, ...flags },
      context,
    ),
  );
  addReload(addPlace(addCost(link.command('update <NAME>').description('change the given fields of a link'))))
    .option('--tls-credentials <NAME>', 'name of the Secret with its credentials')
    .addOption(waitOption('ready'))
    .addOption(deadlineOption())
    .action(async (name, { cost, ...flags }) =>
      (await import('./link.js')).updateCommand(
        name,
        cost === undefined ? flags : { linkCost: cost, ...flags },
        context,
      ),
    );
  addConnectionFlags(
    addReload(
      addPlace(
        link
          .command('renew [NAME]')
          .description(
            'get a link a new certificate: the named one at once, or with --all those that are due',
          ),
      ),
    ),
  )
    .option('--all', 'every link with a third of its life or less left')
    .option('--within <DURATION>', 'those that end within this time instead, such as 10d')
    .option('--renewal-url <URL>', 'where the named link is renewed, if its Secret does not say so')
    .option('--server-ca <FILE>', 'CA of that URL, PEM')
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./link-renew.js')).renewCommand(name, flags, context));
  addReload(
    addPlace(
      link
        .command('delete <NAME>')
        .description(
          'delete a link, its Secrets, and the key and answer of its redemption; its credential can still connect until its certificate ends or the accepting side cuts it off',
        ),
    ),
  ).action(async (name, flags) => (await import('./link.js')).deleteCommand(name, flags, context));
}

/** Adds `doctor`. */
export function addDoctor(program: Command, context: Context): void {
  const doctor = program
    .command('doctor')
    .description('check what each side needs, one line a check; spends nothing')
    .option(
      '--token <FILE>',
      'the requesting side: whether this token (- for standard input) can be redeemed',
    )
    .option('--to <DIR>', "the requesting side: directory of its links (default: the namespace's input)");
  addConnectionFlags(withSettings(doctor, SERVICE_SETTINGS))
    .addOption(OUTPUT())
    .action(async (flags) => (await import('../doctor/doctor.js')).doctorCommand(flags, context));
}

import { Command, Option } from 'commander';
import { processContext } from '../config/process-context.js';
import { SERVICE_SETTINGS, SETTINGS, type SettingKey } from '../config/settings.js';
import { version } from '../config/version.js';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import { addPolicyFlags } from './grant/policy-flags.js';
import { addIssuer, addRedemptionRevoke } from './issuer/issuer-commands.js';
import { addDoctor, addLink } from './link/link-commands.js';
import { addBootstrap, addRedeem } from './link/requesting-commands.js';
import {
  addConnectionFlags,
  grantCommand,
  LISTING_OUTPUT,
  OUTPUT,
  withSettings,
} from './terminal/command-flags.js';
import {
  ADMINISTRATION_SETTINGS,
  CLUSTER_SETTINGS,
  optionHeading,
  STORE_SETTINGS,
} from './terminal/settings-options.js';
import { writeOut } from './terminal/write-out.js';

function addGrantLimits(command: Command): Command {
  command
    .addOption(
      new Option(
        '--deadline <DURATION>',
        'how long a new grant may take to be Ready (default: 60s)',
      ).helpGroup(optionHeading('on kubernetes')),
    )
    .option('--redemptions-allowed <N>', 'how many sites can redeem it (default: 1)')
    .option('--expiration-window <DURATION>', 'how long it can be redeemed (default: 15m)')
    .option(
      '--issuer <NAME>',
      "CA that signs, a directory of the data directory's issuers/, or a Secret (default: the site CA)",
    )
    .option(
      '--code-file <FILE>',
      'code of your own, at least 16 characters and not easy to guess, from a file or - for standard input',
    );
  return addPolicyFlags(command);
}

function addServe(program: Command, context: { clock: Clock; checkpoint: Checkpoint }): void {
  const serve = program.command('serve').description('run the redemption service');
  withSettings(serve, SERVICE_SETTINGS, { isServe: true }).action(async (flags) =>
    (await import('./serve/serve.js')).serveCommand(flags, context),
  );
}

function addGrant(program: Command): void {
  const grant = program.command('grant').description('make grants, and see who redeemed them');
  addGrantLimits(grantCommand(grant, 'create <NAME>', 'make a grant; its code is shown this once'))
    .option(
      '--token <FILE>',
      'write its token to a file, or - for standard output, instead of printing the code; -o then prints the grant without the code',
    )
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./grant/grant.js')).createCommand(name, flags));
  grantCommand(grant, 'list', 'list grants')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./grant/grant.js')).listCommand(flags));
  grantCommand(grant, 'show <NAME>', 'show a grant (by name or uid) and the last attempts at it')
    .addOption(OUTPUT())
    .option(
      '--signing-key <FILE>',
      'write its signing key, a secret, to a file or - for standard output instead',
    )
    .action(async (name, { signingKey, ...flags }) =>
      signingKey === undefined
        ? (await import('./grant/grant.js')).showCommand(name, flags)
        : (await import('./grant/grant-signing-key.js')).exportSigningKeyCommand(name, signingKey, flags),
    );
  addPolicyFlags(
    grantCommand(grant, 'update <NAME>', 'change what is given of a grant (by name or uid)')
      .option('--redemptions-allowed <N>', 'how many sites can redeem it in all')
      .option('--expiration-window <DURATION>', 'how long it can be redeemed, from when it was first ready'),
  )
    .option('--unset <RULES>', 'take rules away, by the names of their flags without --, parted by commas')
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./grant/grant-update.js')).updateCommand(name, flags));
  grantCommand(grant, 'revoke <NAME>', 'let a grant be redeemed no more')
    .option('--cascade', 'revoke every redemption of it too')
    .action(async (name, flags) => (await import('./grant/grant-revoke.js')).revokeCommand(name, flags));
  grantCommand(grant, 'delete <NAME>', 'remove a grant; what it gave stays in the ledger').action(
    async (name, flags) => (await import('./grant/grant.js')).deleteCommand(name, flags),
  );
}

function addTokenGovernance(token: Command): void {
  grantCommand(token, 'list', 'list signed tokens, with their uses and states')
    .option('--grant <NAME>', 'of one grant')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./token/token-list.js')).listTokensCommand(flags));
  grantCommand(token, 'revoke <ID>', 'let one signed token be redeemed no more')
    .requiredOption('--grant <NAME>', 'the grant that it is of')
    .action(async (id, flags) => (await import('./token/token-revoke.js')).revokeTokenCommand(id, flags));
  withSettings(
    token.command('rotate-key').description('sign tokens with a new key; those made before stay good'),
    [...STORE_SETTINGS, ...CLUSTER_SETTINGS],
  )
    .option('--drop-old', 'remove the keys before it: every signed token made before becomes useless')
    .option('--yes', 'do so')
    .action(async (flags) => (await import('./token/token-rotate-key.js')).rotateKeyCommand(flags));
}

function addToken(program: Command, context: { clock: Clock; checkpoint: Checkpoint }): void {
  const token = program.command('token').description('issue tokens, and redeem them');
  addGrantLimits(
    grantCommand(
      token,
      'issue <FILE>',
      'write a token (- for standard output): of a new grant, or a signed one of --grant',
    ),
  )
    .option(
      '--grant <NAME>',
      'a signed token of this grant, with limits within its own, instead of a new grant',
    )
    .option('--signing-key <FILE>', 'a signed token of the grant whose key `grant show --signing-key` wrote')
    .option('--subject <SUBJECT>', 'the only subject that may redeem a signed token')
    .option('--count <N>', 'that many signed tokens, each in a file of the directory FILE')
    .option('--name <NAME>', 'name of the token, and so of the link made from it')
    .addOption(new Option('--link-cost <N>', 'cost of the link made from it'))
    .addOption(new Option('--cost <N>').hideHelp())
    .action(async (file, { cost, ...given }) => {
      const flags = cost === undefined ? given : { linkCost: cost, ...given };
      if (flags.signingKey === undefined) await (await import('./token/token.js')).issueCommand(file, flags);
      else await (await import('./token/token-mint.js')).mintCommand(file, flags);
    });
  addRedeem(token, context);
  addConnectionFlags(
    token
      .command('inspect <FILE>')
      .description('show what a token (- for standard input) holds, never its code'),
  )
    .option('--check', 'ask the service for the state of the grant; spends nothing')
    .addOption(OUTPUT())
    .action(async (file, flags) =>
      (await import('./token/token-inspect.js')).inspectCommand(file, flags, context),
    );
  addTokenGovernance(token);
}

function addRest(program: Command, context: { clock: Clock; checkpoint: Checkpoint }): void {
  const redemption = program.command('redemption').description('see what was redeemed, and end links');
  grantCommand(redemption, 'list', 'list redemptions')
    .option('--grant <NAME>', 'of one grant (by name or uid)')
    .option('--since <TIME>', 'not older than a time, or than a duration such as 7d')
    .option('--subject <GLOB>', 'of subjects like this, with * and ?')
    .option('-A, --all-namespaces', 'of every namespace; in a cluster else of one')
    .option('--events', 'every entry of the ledger: replays, renewals, revocations and refusals too')
    .option('--verify', 'check that nobody has changed the ledger, instead of listing it')
    .addOption(LISTING_OUTPUT())
    .action(async ({ verify, ...flags }) =>
      verify
        ? (await import('./redemption/redemption-verify.js')).verifyCommand(flags)
        : (await import('./redemption/redemption.js')).listCommand(flags, context.clock()),
    );
  withSettings(
    redemption.command('show <ID>').description('show a redemption and its certificate'),
    ADMINISTRATION_SETTINGS,
  )
    .addOption(OUTPUT())
    .action(async (id, flags) => (await import('./redemption/redemption-show.js')).showCommand(id, flags));
  addRedemptionRevoke(redemption, context);
  addIssuer(program, context);
  addStore(program);
  const config = program.command('config').description('the configuration of the service');
  withSettings(
    config.command('check').description('show each effective setting and where it comes from'),
    Object.keys(SETTINGS) as SettingKey[],
  )
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store/config.js')).configCheckCommand(flags));
  withSettings(
    program.command('health').description('ask the service that runs here whether it answers, for probes'),
    ['dataDir', 'opsListen'],
  )
    .option('--ready', 'whether every part of it is ready, too')
    .action(async (flags) => (await import('./serve/health.js')).healthCommand(flags));
  addUninstall(program);
  program
    .command('completion <SHELL>')
    .description('print the completion script for bash, zsh or fish')
    .action(async (shell) => {
      await writeOut((await import('./completion.js')).completionScript(program, shell));
    });
  program
    .command('version')
    .description('print the version')
    .action(() => writeOut(`${version()}\n`));
}

function addUninstall(program: Command): void {
  withSettings(
    program.command('uninstall').description('delete what a removed service left in its namespace'),
    ['namespace', 'platform', ...CLUSTER_SETTINGS],
  )
    .option('-A, --all-namespaces', 'report the redeemable grants of every namespace')
    .option('--with-crd', 'also delete the CRD, and with it every Redemption')
    .option('--dry-run', 'show what would go')
    .option('--yes', 'do so')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store/uninstall.js')).uninstallCommand(flags));
}

function addStore(program: Command): void {
  const store = program.command('store').description('the store of the service');
  withSettings(
    store.command('migrate').description('make its tables, or bring those of an older release up to date'),
    ['dataDir', 'store'],
  )
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store/store.js')).migrateCommand(flags));
  withSettings(
    store
      .command('copy <FROM> <TO>')
      .description('copy everything between sqlite:FILE and postgres://…, into an empty one'),
    ['dataDir'],
  )
    .addOption(OUTPUT())
    .action(async (from, to, flags) => (await import('./store/store.js')).copyCommand(from, to, flags));
  withSettings(
    store
      .command('restored')
      .description(
        'accept a restored, emptied or new store: list the grants that can be redeemed again, and allow the store to serve',
      ),
    ['dataDir', 'store'],
  )
    .option('--revoke', 'revoke the grants that can be redeemed')
    .option('--keep', 'let them be redeemed')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store/store.js')).restoredCommand(flags));
}

/** The command line, noun by noun. Each command's code is loaded when it runs, so that help is quick. */
export function createProgram(context: { readonly clock: Clock; readonly checkpoint: Checkpoint }): Command {
  const program = new Command('linkgrant')
    .description('Link token redemption service for Skupper v2 networks')
    .version(version(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show how to use a command')
    .helpOption('-h, --help', 'show how to use it')
    .showHelpAfterError('hint: add --help for how to use it')
    .configureOutput({
      writeOut: (text) => processContext().stdout.write(text),
      writeErr: (text) => processContext().stderr.write(text),
      // Commander writes a suggestion on a line of its own, between the error and the hint.
      outputError: (text, write) => write(text.replace(/\n\((Did you mean .+)\)/, ' ($1)')),
    })
    .configureHelp({ sortOptions: false })
    .exitOverride();
  addServe(program, context);
  addGrant(program);
  addToken(program, context);
  addLink(program, context);
  addBootstrap(program, context);
  addRest(program, context);
  addDoctor(program, context);
  return program;
}

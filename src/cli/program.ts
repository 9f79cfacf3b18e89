import { Command, Option } from 'commander';
import { processContext, programName } from '../config/process-context.js';
import { OBSERVER_SETTINGS, SERVICE_SETTINGS } from '../config/setting-groups.js';
import { SETTINGS, type SettingKey } from '../config/settings.js';
import { version } from '../config/version.js';
import { ACCESS_GRANT_STATES } from '../domain/access-grant.js';
import { LINK_STATES } from '../domain/link-state.js';
import type { Checkpoint, Clock } from '../redemption/ports/clock.js';
import { addPolicyFlags } from './grant/policy-flags.js';
import { addIssuer, addRedemptionRevoke } from './issuer/issuer-commands.js';
import { addDoctor, addLink } from './link/link-commands.js';
import { addBootstrap, addJoin, addRedeem } from './link/requesting-commands.js';
import { addStore } from './store/store-commands.js';
import {
  addConnectionFlags,
  addListFlags,
  grantCommand,
  OUTPUT,
  withSettings,
} from './terminal/command-flags.js';
import { addLabelChangeFlags, addLabelFlags, SELECTOR } from './terminal/label-flags.js';
import {
  ADMINISTRATION_SETTINGS,
  CLUSTER_SETTINGS,
  optionHeading,
  STORE_SETTINGS,
} from './terminal/settings-options.js';
import { writeOut } from './terminal/write-out.js';
import { TOKEN_FORMS } from './token/token-forms.js';

function addGrantLimits(command: Command, windowDefault = '15m'): Command {
  command
    .addOption(
      new Option(
        '--deadline <DURATION>',
        'how long to wait until a new grant is Ready (default: 60s)',
      ).helpGroup(optionHeading('on kubernetes')),
    )
    .option('--redemptions-allowed <N>', 'how often it can be redeemed (default: 1)')
    .option('--expiration-window <DURATION>', `how long it can be redeemed (default: ${windowDefault})`)
    .option(
      '--issuer <NAME>',
      'CA that signs: name of a directory in issuers/ of the data directory, or of a Secret (default: the site CA)',
    )
    .option(
      '--code-file <FILE>',
      'file with your own code, at least 16 characters and hard to guess; - for standard input',
    );
  return addLabelFlags(addPolicyFlags(command));
}

function addServe(program: Command, context: { clock: Clock; checkpoint: Checkpoint }): void {
  const serve = program.command('serve').description('Run the redemption service');
  withSettings(serve, SERVICE_SETTINGS, { isServe: true }).action(async (flags) =>
    (await import('./serve/serve.js')).serveCommand(flags, context),
  );
}

function addConsole(program: Command): void {
  grantCommand(program, 'console', 'Open the web console for a store, a cluster or a service')
    .option('--port <PORT>', 'loopback port (default: a free one)')
    .option('--no-open', 'open no browser')
    .option('-A, --all-namespaces', 'in all namespaces; only needed in a cluster')
    .action(async (flags) => (await import('./console/console.js')).consoleCommand(flags));
}

function addGrant(program: Command): void {
  const grant = program.command('grant').description('Create, list, change and revoke grants');
  addGrantLimits(grantCommand(grant, 'create <NAME>', 'Create a grant and show its code once'))
    .option('--token <FILE>', 'write its token to a file (- for standard output) and do not print the code')
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./grant/grant.js')).createCommand(name, flags));
  addListFlags(
    grantCommand(grant, 'list', 'List the grants')
      .option('-A, --all-namespaces', 'in all namespaces')
      .option('--name <NAME>', 'with this name')
      .addOption(new Option('--state <STATE>', 'in this state').choices(ACCESS_GRANT_STATES))
      .addOption(SELECTOR()),
  ).action(async (flags) => (await import('./grant/grant.js')).listCommand(flags));
  grantCommand(grant, 'show <NAME>', 'Show a grant (by name or uid) and the last attempts to redeem it')
    .addOption(OUTPUT())
    .option(
      '--signing-key <FILE>',
      'write its signing key, a secret, to a file (- for standard output) instead',
    )
    .action(async (name, { signingKey, ...flags }) =>
      signingKey === undefined
        ? (await import('./grant/grant.js')).showCommand(name, flags)
        : (await import('./grant/grant-signing-key.js')).exportSigningKeyCommand(name, signingKey, flags),
    );
  addLabelChangeFlags(
    addPolicyFlags(
      grantCommand(grant, 'update <NAME>', 'Change a grant (by name or uid)')
        .option('--redemptions-allowed <N>', 'how often it can be redeemed, earlier redemptions included')
        .option(
          '--expiration-window <DURATION>',
          'how long it can be redeemed, from the time when it was first ready',
        ),
    ),
  )
    .option('--unset <RULES>', 'remove rules: names of their flags without --, separated by commas')
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./grant/grant-update.js')).updateCommand(name, flags));
  grantCommand(grant, 'revoke <NAME>', 'Revoke a grant')
    .option('--cascade', 'also revoke all its redemptions')
    .action(async (name, flags) => (await import('./grant/grant-revoke.js')).revokeCommand(name, flags));
  grantCommand(grant, 'delete <NAME>', 'Delete a grant; its redemptions stay in the ledger').action(
    async (name, flags) => (await import('./grant/grant.js')).deleteCommand(name, flags),
  );
}

function addTokenAdministration(token: Command): void {
  addListFlags(
    grantCommand(token, 'list', 'List the signed tokens, with their uses and states')
      .option('--grant <NAME>', 'of one grant')
      .option('-A, --all-namespaces', 'in all namespaces'),
  ).action(async (flags) => (await import('./token/token-list.js')).listTokensCommand(flags));
  grantCommand(token, 'revoke <ID>', 'Revoke one signed token')
    .requiredOption('--grant <NAME>', 'the grant of the token')
    .action(async (id, flags) => (await import('./token/token-revoke.js')).revokeTokenCommand(id, flags));
  withSettings(
    token.command('rotate-key').description('Sign new tokens with a new key; existing tokens stay valid'),
    [...STORE_SETTINGS, ...CLUSTER_SETTINGS],
  )
    .option('--drop-old', 'remove the previous keys: all existing signed tokens become invalid')
    .option('--yes', 'confirm --drop-old')
    .action(async (flags) => (await import('./token/token-rotate-key.js')).rotateKeyCommand(flags));
}

function addToken(program: Command, context: { clock: Clock; checkpoint: Checkpoint }): void {
  const token = program.command('token').description('Issue, redeem, inspect, list and revoke tokens');
  addGrantLimits(
    grantCommand(
      token,
      'issue [FILE]',
      'Print the join line of a new grant, or of a signed token of --grant; with FILE write an AccessToken',
    ),
    '15m; with --grant the expiry of the grant',
  )
    .option(
      '--grant <NAME>',
      'issue a signed token within the limits of this grant; in a cluster, without flags for its own limits, a token with the code of the grant',
    )
    .option('--signing-key <FILE>', 'issue a signed token with the key that `grant show --signing-key` wrote')
    .option('--subject <SUBJECT>', 'the only subject that may redeem a signed token')
    .option(
      '--count <N>',
      'issue this many signed tokens: one file each in the directory FILE; without FILE one join line each',
    )
    .option('--name <NAME>', 'name of the token and of its link')
    .addOption(
      new Option(
        '--print <FORM>',
        'what to write: the AccessToken (default with FILE), the join line (default without), or what to run on the other site',
      ).choices(TOKEN_FORMS),
    )
    .option('--qr', 'also draw the join line as a QR code, on standard error')
    .option(
      '--wait [DURATION]',
      'wait until the token is redeemed, and show refusals (--wait=DURATION: wait at most that long)',
    )
    .addOption(new Option('--link-cost <N>', 'cost of the link'))
    // Skupper's name of --link-cost, accepted but not listed.
    .addOption(new Option('--cost <N>').hideHelp())
    .action(async (file, { cost, ...given }) => {
      const flags = cost === undefined ? given : { linkCost: cost, ...given };
      if (flags.signingKey === undefined) await (await import('./token/token.js')).issueCommand(file, flags);
      else await (await import('./token/token-mint.js')).mintCommand(file, flags);
    });
  addRedeem(token, context);
  addConnectionFlags(
    token.command('inspect <FILE>').description('Show a token (- for standard input) without its code'),
  )
    .option('--check', 'query the state of the grant; spends no use')
    .addOption(OUTPUT())
    .action(async (file, flags) =>
      (await import('./token/token-inspect.js')).inspectCommand(file, flags, context),
    );
  addTokenAdministration(token);
}

function addOtherCommands(program: Command, context: { clock: Clock; checkpoint: Checkpoint }): void {
  const redemption = program
    .command('redemption')
    .description('List, show, label, verify and revoke redemptions');
  const list = withSettings(redemption.command('list').description('List the redemptions'), [
    ...ADMINISTRATION_SETTINGS,
    ...OBSERVER_SETTINGS,
  ])
    .option('--grant <NAME>', 'of one grant (by name or uid)')
    .option('--since <TIME>', 'since a time, or within a duration such as 7d')
    .option('--subject <GLOB>', 'only subjects that match this pattern; * and ? are wildcards')
    .addOption(new Option('--state <STATE>', 'only links in this state').choices(LINK_STATES))
    .option('--overdue', 'only links that are overdue for renewal')
    .option('--signed-by <SHA256>', 'only links whose newest certificate is valid and of this CA')
    .addOption(SELECTOR())
    .option('-A, --all-namespaces', 'in all namespaces; only needed in a cluster')
    .option('--events', 'list all entries of the ledger: replays, renewals, revocations and refusals too')
    .option('--verify', 'verify that the ledger is unchanged, instead of listing');
  addListFlags(list).action(async ({ verify, ...flags }) =>
    verify
      ? (await import('./redemption/redemption-verify.js')).verifyCommand(flags)
      : (await import('./redemption/redemption.js')).listCommand(flags, context.clock),
  );
  withSettings(redemption.command('show <ID>').description('Show a redemption and its certificate'), [
    ...ADMINISTRATION_SETTINGS,
    ...OBSERVER_SETTINGS,
  ])
    .addOption(OUTPUT())
    .action(async (id, flags) => (await import('./redemption/redemption-show.js')).showCommand(id, flags));
  addLabelChangeFlags(
    withSettings(
      redemption.command('update <ID>').description('Change the labels and the note of a redemption'),
      ADMINISTRATION_SETTINGS,
    ),
  )
    .addOption(OUTPUT())
    .action(async (id, flags) =>
      (await import('./redemption/redemption-update.js')).updateCommand(id, flags),
    );
  addRedemptionRevoke(redemption, context);
  addIssuer(program, context);
  addStore(program);
  const config = program.command('config').description('Check the configuration of the service');
  withSettings(
    config.command('check').description('Show each effective setting and its source'),
    Object.keys(SETTINGS) as SettingKey[],
  )
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store/config.js')).configCheckCommand(flags));
  withSettings(
    program.command('health').description('Check that the service on this host answers, for probes'),
    ['dataDir', 'opsListen'],
  )
    .option('--ready', 'also check that all its parts are ready')
    .action(async (flags) => (await import('./serve/health.js')).healthCommand(flags));
  addUninstall(program);
  program
    .command('completion <SHELL>')
    .description('Print the completion script for bash, zsh or fish')
    .action(async (shell) => {
      await writeOut((await import('./completion.js')).completionScript(program, shell));
    });
  program
    .command('__complete', { hidden: true })
    .argument('<LINE>')
    .description('Print the names that can complete a command line')
    .action(async (line) => {
      const names = await (await import('./completion-names.js')).namesFor(program, line, context);
      await writeOut(names.map((name) => `${name}\n`).join(''));
    });
  program
    .command('version')
    .description('Print the version')
    .action(() => writeOut(`${version()}\n`));
}

function addUninstall(program: Command): void {
  withSettings(
    program.command('uninstall').description('Delete what a removed service left in its namespace'),
    ['namespace', 'platform', ...CLUSTER_SETTINGS],
  )
    .option('-A, --all-namespaces', 'report the redeemable grants of every namespace')
    .option('--with-crd', 'also delete the CRD, and with it every Redemption')
    .option('--dry-run', 'show what would be deleted')
    .option('--yes', 'confirm the deletion')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./uninstall.js')).uninstallCommand(flags));
}

/** Creates the command line. The code of a command is loaded when it runs, so that help starts quickly. */
export function createProgram(context: { readonly clock: Clock; readonly checkpoint: Checkpoint }): Command {
  const program = new Command(programName())
    .description('Link token redemption service for Skupper v2 networks')
    .version(version(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'Show help for a command')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('hint: add --help to show the usage')
    .configureOutput({
      writeOut: (text) => processContext().stdout.write(text),
      writeErr: (text) => processContext().stderr.write(text),
      // Commander writes a suggestion on a line of its own, between the error and the hint.
      outputError: (text, write) => write(text.replace(/\n\((Did you mean .+)\)/, ' ($1)')),
    })
    .configureHelp({ sortOptions: false })
    .exitOverride();
  addServe(program, context);
  addConsole(program);
  addGrant(program);
  addToken(program, context);
  addJoin(program, context);
  addLink(program, context);
  addBootstrap(program, context);
  addOtherCommands(program, context);
  addDoctor(program, context);
  return program;
}

import { type Command, Option } from 'commander';
import { ACCESS_GRANT_STATES } from '../../domain/access-grant.js';
import { addListFlags, DRY_RUN, grantCommand, OUTPUT } from '../flags/command-flags.js';
import { addLabelChangeFlags, addLabelFlags, SELECTOR } from '../flags/label-flags.js';
import { optionHeading } from '../terminal/option-groups.js';
import { addPolicyFlags } from './policy-flags.js';

/** Adds the flags of a new grant. */
export function addNewGrantFlags(command: Command, windowDefault = '15m'): Command {
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

/** Adds `grant` with its subcommands. */
export function addGrant(program: Command): void {
  const grant = program.command('grant').description('Create, list, change and revoke grants');
  addNewGrantFlags(grantCommand(grant, 'create <NAME>', 'Create a grant and show its code once'))
    .option('--token <FILE>', 'write its token to a file (- for standard output) and do not print the code')
    .addOption(DRY_RUN())
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./grant-create.js')).grantCreateCommand(name, flags));
  addListFlags(
    grantCommand(grant, 'list', 'List the grants')
      .option('-A, --all-namespaces', 'in all namespaces')
      .option('--name <NAME>', 'with this name')
      .addOption(new Option('--state <STATE>', 'in this state').choices(ACCESS_GRANT_STATES))
      .addOption(SELECTOR()),
  ).action(async (flags) => (await import('./grant-list.js')).grantListCommand(flags));
  grantCommand(grant, 'show <NAME>', 'Show a grant (by name or uid) and the last attempts to redeem it')
    .addOption(OUTPUT())
    .option(
      '--signing-key <FILE>',
      'write its signing key, a secret, to a file (- for standard output) instead',
    )
    .action(async (name, { signingKey, ...flags }) =>
      signingKey === undefined
        ? (await import('./grant-show.js')).grantShowCommand(name, flags)
        : (await import('./grant-signing-key.js')).grantSigningKeyCommand(name, signingKey, flags),
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
    .addOption(DRY_RUN())
    .addOption(OUTPUT())
    .action(async (name, flags) => (await import('./grant-update.js')).grantUpdateCommand(name, flags));
  grantCommand(grant, 'revoke <NAME>', 'Revoke a grant')
    .option('--cascade', 'also revoke all its redemptions')
    .addOption(DRY_RUN())
    .action(async (name, flags) => (await import('./grant-revoke.js')).grantRevokeCommand(name, flags));
  grantCommand(grant, 'delete <NAME>', 'Delete a grant; its redemptions stay in the ledger')
    .addOption(DRY_RUN())
    .action(async (name, flags) => (await import('./grant-delete.js')).grantDeleteCommand(name, flags));
}

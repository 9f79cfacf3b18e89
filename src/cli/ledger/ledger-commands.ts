import { type Command, Option } from 'commander';
import { LISTED_KINDS } from '../../domain/ledger-kind.js';
import { addListFlags, grantCommand, OUTPUT } from '../flags/command-flags.js';

/** Adds `ledger` with its subcommands. */
export function addLedger(program: Command): void {
  const ledger = program
    .command('ledger')
    .description('List the record of what happened to grants, tokens and links, and verify it');
  const list = grantCommand(ledger, 'list', 'List the entries of the ledger and the refusals, newest first')
    .addOption(new Option('--kind <KIND>', 'only entries of this kind').choices(LISTED_KINDS))
    .option('--actor <GLOB>', 'only changes by this user, such as alice or oidc:4711; * and ? are wildcards')
    .option('--grant <NAME>', 'only of one grant (by name or uid, also a deleted one)')
    .option('--subject <GLOB>', 'only subjects that match this pattern')
    .option('--since <TIME>', 'since a time, or within a duration such as 7d')
    .option('--until <TIME>', 'before a time, or older than a duration such as 7d');
  addListFlags(list).action(async (flags) => (await import('./ledger-list.js')).ledgerListCommand(flags));
  grantCommand(ledger, 'verify', 'Verify that the ledger is unchanged')
    .option('--grant <NAME>', 'only the entries of one grant (by name or uid, also a deleted one)')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./ledger-verify.js')).ledgerVerifyCommand(flags));
}

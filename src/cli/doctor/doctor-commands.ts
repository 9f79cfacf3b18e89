import type { Command } from 'commander';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { addConnectionFlags, addIdentityFlags, OUTPUT, withSettings } from '../flags/command-flags.js';

/** Adds `doctor`. */
export function addDoctor(program: Command): void {
  const doctor = program
    .command('doctor')
    .description(
      'Check the prerequisites of each side, one line for each check; spends no use; for the state of grants and links, use status',
    )
    .option(
      '--token <FILE>',
      'requesting side: check that this token (a file, a join line, the URL of a grant, or - for standard input) can be redeemed',
    )
    .option(
      '--grant <NAME>',
      'accepting side: check whether the token of --identity-token-file would redeem this grant, and if not, which check fails',
    )
    .option(
      '--to <DIR>',
      "requesting side: directory of its links (default: the namespace's input/resources)",
    )
    .option('--name <NAME>', 'requesting side: the link name that the redemption of --token requests')
    .option('--subject <SUBJECT>', 'requesting side: the subject that it requests')
    .option(
      '--key <FILE>',
      'requesting side: private key of the request that the token of --token is bound to, if `link request` did not make it',
    );
  addConnectionFlags(withSettings(addIdentityFlags(doctor), SERVICE_SETTINGS))
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./doctor.js')).doctorCommand(flags));
}

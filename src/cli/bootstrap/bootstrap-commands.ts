import { type Command, Option } from 'commander';
import { addIdentityFlags, addRouteFlags, OUTPUT } from '../flags/command-flags.js';
import { addTarget, withCost } from '../link/target-flags.js';

/** Adds `bootstrap`. */
export function addBootstrap(program: Command): void {
  const bootstrap = addTarget(
    program
      .command('bootstrap')
      .description('Link this site unattended: wait for its prerequisites, redeem once; safe to repeat')
      .option(
        '--token <FILE>',
        'a file, a join line, the URL of a grant, a mounted Secret (a directory with url, code and ca), or - for standard input (default: LINKGRANT_TOKEN_FILE, else the tokens in the input directory)',
      ),
  )
    .addOption(
      new Option('--wait <STATE>', 'wait until the link connects (ready) or is written (configured)')
        .choices(['ready', 'configured'])
        .default('ready'),
    )
    .option('--watch', 'keep running and renew the links at two thirds of their lifetime; implies --renew')
    .option('--continue-without-link', 'succeed with a warning if there is no link');
  addRouteFlags(
    addIdentityFlags(bootstrap).option(
      '--deadline <DURATION>',
      'time limit until the site is linked, but a reload may always take a minute (default: 10m)',
    ),
  )
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./bootstrap.js')).bootstrapCommand(withCost(flags)));
}

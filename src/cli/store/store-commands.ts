import type { Command } from 'commander';
import { OUTPUT, withSettings } from '../terminal/command-flags.js';

/** Adds `store` with its subcommands. */
export function addStore(program: Command): void {
  const store = program.command('store').description('Migrate, copy and accept the store of the service');
  withSettings(store.command('migrate').description('Create or upgrade the tables of the store'), [
    'dataDir',
    'store',
  ])
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store.js')).migrateCommand(flags));
  withSettings(
    store
      .command('copy <FROM> <TO>')
      .description('Copy a store into an empty one: sqlite:FILE or postgres://…'),
    ['dataDir'],
  )
    .addOption(OUTPUT())
    .action(async (from, to, flags) => (await import('./store.js')).copyCommand(from, to, flags));
  withSettings(
    store
      .command('restored')
      .description(
        'Accept a restored, emptied or new store, and revoke or keep the grants that can be redeemed again',
      ),
    ['dataDir', 'store'],
  )
    .option('--revoke', 'revoke the grants that can be redeemed again')
    .option('--keep', 'leave these grants redeemable')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store.js')).restoredCommand(flags));
}

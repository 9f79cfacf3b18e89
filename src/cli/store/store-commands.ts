import type { Command } from 'commander';
import { OUTPUT, withSettings } from '../terminal/command-flags.js';
import { CLUSTER_SETTINGS } from '../terminal/settings-options.js';

/** Adds `uninstall`. */
export function addUninstall(program: Command): void {
  withSettings(
    program.command('uninstall').description('Delete what a removed service left in its namespace'),
    ['namespace', 'platform', ...CLUSTER_SETTINGS],
  )
    .option('-A, --all-namespaces', 'report the redeemable grants of every namespace')
    .option('--with-crd', 'also delete the CRD, and with it every Redemption')
    .option('--dry-run', 'show what would be deleted')
    .option('--yes', 'confirm')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./uninstall.js')).uninstallCommand(flags));
}

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
        'Accept a restored, emptied or new store: list the grants that can be redeemed again, and allow the store to serve',
      ),
    ['dataDir', 'store'],
  )
    .option('--revoke', 'revoke the grants that can be redeemed again')
    .option('--keep', 'keep them redeemable')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store.js')).restoredCommand(flags));
}

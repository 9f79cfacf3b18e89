import type { Command } from 'commander';
import { OUTPUT, withSettings } from '../flags/command-flags.js';

/** Adds `store` with its subcommands. */
export function addStore(program: Command): void {
  const store = program
    .command('store')
    .description('Back up, restore, migrate and copy the store of the service');
  withSettings(
    store
      .command('backup <FILE>')
      .description(
        'Save the store, the keys, the CAs and config.yaml in one private file, also while the service runs; before a move, stop it',
      ),
    [
      'dataDir',
      'store',
      'platform',
      'issuerCert',
      'issuerKey',
      'tlsCert',
      'tlsKey',
      'tlsCa',
      'webhookSecretFile',
    ],
  )
    .addOption(OUTPUT())
    .action(async (file, flags) => (await import('./store-backup.js')).storeBackupCommand(file, flags));
  withRestoredChoice(
    withSettings(
      store.command('restore <FILE>').description('Restore a backup into a data directory without a store'),
      ['dataDir', 'store', 'platform'],
    ),
  )
    .addOption(OUTPUT())
    .action(async (file, flags) => (await import('./store-restore.js')).storeRestoreCommand(file, flags));
  withSettings(store.command('migrate').description('Create or upgrade the tables of the store'), [
    'dataDir',
    'store',
  ])
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store-migrate.js')).storeMigrateCommand(flags));
  withSettings(
    store
      .command('copy <FROM> <TO>')
      .description('Copy a store into an empty one: sqlite:FILE or postgres://…'),
    ['dataDir'],
  )
    .addOption(OUTPUT())
    .action(async (from, to, flags) => (await import('./store-copy.js')).storeCopyCommand(from, to, flags));
  withRestoredChoice(
    withSettings(
      store
        .command('restored')
        .description(
          'Accept a restored, emptied or new store, and revoke or keep the grants that can be redeemed again',
        ),
      ['dataDir', 'store'],
    ),
  )
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./store-restored.js')).storeRestoredCommand(flags));
}

function withRestoredChoice(command: Command): Command {
  return command
    .option('--revoke', 'revoke the grants that can be redeemed again')
    .option('--keep', 'leave these grants redeemable');
}

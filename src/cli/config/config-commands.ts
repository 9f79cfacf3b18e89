import type { Command } from 'commander';
import { SETTINGS, type SettingKey } from '../../config/settings.js';
import { OUTPUT, withSettings } from '../flags/command-flags.js';

/** Adds `config` with its subcommand. */
export function addConfig(program: Command): void {
  const config = program.command('config').description('Check the configuration of the service');
  withSettings(
    config.command('check').description('Show each effective setting and its source'),
    Object.keys(SETTINGS) as SettingKey[],
  )
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./config-check.js')).configCheckCommand(flags));
}

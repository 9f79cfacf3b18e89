import type { Command } from 'commander';
import { OBSERVER_SETTINGS } from '../../config/setting-groups.js';
import { withSettings } from '../flags/command-flags.js';
import { ADMINISTRATION_SETTINGS } from '../terminal/settings-options.js';

/** Adds `console`. */
export function addConsole(program: Command): void {
  withSettings(
    program.command('console').description('Open the web console for a store, a cluster or a service'),
    [...ADMINISTRATION_SETTINGS, ...OBSERVER_SETTINGS],
  )
    .option('--port <PORT>', 'loopback port (default: a free one)')
    .option('--no-open', 'open no browser')
    .option('-A, --all-namespaces', 'in all namespaces; only needed in a cluster')
    .action(async (flags) => (await import('./console.js')).consoleCommand(flags));
}

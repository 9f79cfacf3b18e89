import type { Command } from 'commander';
import { SERVICE_SETTINGS } from '../../config/setting-groups.js';
import { withSettings } from '../flags/command-flags.js';

/** Adds `serve`. */
export function addServe(program: Command): void {
  const serve = program.command('serve').description('Run the redemption service');
  withSettings(serve, SERVICE_SETTINGS, true).action(async (flags) =>
    (await import('./serve.js')).serveCommand(flags),
  );
}

/** Adds `health`, which checks a running service. */
export function addHealth(program: Command): void {
  withSettings(
    program.command('health').description('Check that the service on this host answers, for probes'),
    ['dataDir', 'opsListen'],
  )
    .option('--ready', 'also check that all its parts are ready')
    .action(async (flags) => (await import('./health.js')).healthCommand(flags));
}

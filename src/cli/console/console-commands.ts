import type { Command } from 'commander';
import { grantCommand } from '../flags/command-flags.js';

/** Adds `console`. */
export function addConsole(program: Command): void {
  grantCommand(program, 'console', 'Open the web console for a store, a cluster or a service')
    .option('--port <PORT>', 'loopback port (default: a free one)')
    .option('--no-open', 'open no browser')
    .option('-A, --all-namespaces', 'in all namespaces; only needed in a cluster')
    .action(async (flags) => (await import('./console.js')).consoleCommand(flags));
}

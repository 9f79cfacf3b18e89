import type { Command } from 'commander';
import { OUTPUT, withSettings } from '../flags/command-flags.js';

/** Adds the commands on logins. */
export function addLogin(program: Command): void {
  withSettings(
    program
      .command('login [SERVER]')
      .description(
        'Log in to a service: SERVER is the URL of its admin API, or the name of an earlier login',
      ),
    ['serverCa'],
  )
    .option('--name <NAME>', 'name of the login (default: the host of the URL)')
    .option('--device', 'log in with a browser on another device')
    .option('--issuer-ca <FILE>', 'CA of the OIDC provider (PEM; default: those that Node trusts)')
    .option('--port <PORT>', 'loopback port for the redirect of the provider (default: a free one)')
    .option('--no-open', 'open no browser')
    .action(async (server, flags) => (await import('./login.js')).loginCommand(server, flags));
  withSettings(
    program.command('logout [LOGIN]').description('End a login: revoke and delete its tokens'),
    [],
  ).action(async (login, flags) => (await import('./logout.js')).logoutCommand(login, flags));
  withSettings(program.command('whoami [LOGIN]').description('Show the user and the role of a login'), [])
    .addOption(OUTPUT())
    .action(async (login, flags) => (await import('./whoami.js')).whoamiCommand(login, flags));
}

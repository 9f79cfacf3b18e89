import type { Command } from 'commander';
import { addListFlags, DRY_RUN, withSettings } from '../flags/command-flags.js';
import { collect, ISSUER_SETTINGS } from '../terminal/settings-options.js';

/** Adds `issuer` with its subcommands. */
export function addIssuer(program: Command): void {
  const issuer = program.command('issuer').description('List, create and rotate the CAs that sign links');
  const add = (nameAndArguments: string, description: string) =>
    withSettings(issuer.command(nameAndArguments).description(description), ISSUER_SETTINGS);
  addListFlags(add('list', 'List the CAs and the number of links that depend on each')).action(
    async (flags) => (await import('./issuer-list.js')).issuerListCommand(flags),
  );
  add('create <NAME>', 'Create another CA for links; grants select it with --issuer').action(
    async (name, flags) => (await import('./issuer-create.js')).issuerCreateCommand(name, flags),
  );
  add('prepare <NAME>', 'Create the next CA, so that it can be trusted before it signs').action(
    async (name, flags) => (await import('./issuer-prepare.js')).issuerPrepareCommand(name, flags),
  );
  add('activate <NAME>', 'Let the prepared CA sign; the previous one stays trusted').action(
    async (name, flags) => (await import('./issuer-activate.js')).issuerActivateCommand(name, flags),
  );
  add('retire <NAME>', 'Remove the previous CAs if nothing depends on them')
    .option('--force', 'remove them even if links or tokens depend on them; these stop working')
    .addOption(DRY_RUN())
    .action(async (name, flags) => (await import('./issuer-retire.js')).issuerRetireCommand(name, flags));
  add('trust <NAME>', 'Print the CA certificates that a router has to trust (PEM)').action(
    async (name, flags) => (await import('./issuer-trust.js')).issuerTrustCommand(name, flags),
  );
  add('crl <NAME>', 'Write a signed CRL (PEM) for each of its CAs')
    .option('--to <FILE>', 'file for the CRLs (default: - for standard output)')
    .option('--days <N>', 'validity in days (default: 7)')
    .action(async (name, flags) => (await import('./issuer-crl.js')).issuerCrlCommand(name, flags));
  add('server-certificate', 'Write a certificate for a router that accepts links')
    .option('--host <HOST>', 'name or address of the router; may be repeated', collect)
    .option('--to <DIR>', 'directory for tls.crt, tls.key and ca.crt')
    .option('--issuer <NAME>', 'CA that signs it (default: the site CA)')
    .action(async (flags) =>
      (await import('./issuer-server-certificate.js')).issuerServerCertificateCommand(flags),
    );
}

import { type Command, Option } from 'commander';
import { REMOTE_SETTINGS } from '../../config/setting-groups.js';
import { PLATFORMS, type SettingKey } from '../../config/settings.js';
import type { CommandContext } from '../session/command-context.js';
import { addConnectionFlags, addListFlags, DRY_RUN, withSettings } from '../terminal/command-flags.js';
import { CLUSTER_SETTINGS, collect, STORE_SETTINGS } from '../terminal/settings-options.js';

const ISSUER_SETTINGS: readonly SettingKey[] = [...STORE_SETTINGS, 'issuerCert', 'issuerKey'];

/** Adds `issuer` with its subcommands. */
export function addIssuer(program: Command, context: CommandContext): void {
  const issuer = program.command('issuer').description('List, create and rotate the CAs that sign links');
  const add = (nameAndArguments: string, description: string) =>
    withSettings(issuer.command(nameAndArguments).description(description), ISSUER_SETTINGS);
  addListFlags(add('list', 'List the CAs and the number of links that depend on each')).action(
    async (flags) => (await import('./issuer-list.js')).listIssuersCommand(flags, context),
  );
  add('create <NAME>', 'Create another CA for links; grants select it with --issuer').action(
    async (name, flags) => (await import('./issuer-create.js')).createIssuerCommand(name, flags, context),
  );
  add('prepare <NAME>', 'Create the next CA, so that it can be trusted before it signs').action(
    async (name, flags) => (await import('./issuer-rotate.js')).prepareCommand(name, flags, context),
  );
  add('activate <NAME>', 'Let the prepared CA sign; the previous one stays trusted').action(
    async (name, flags) => (await import('./issuer-rotate.js')).activateCommand(name, flags, context),
  );
  add('retire <NAME>', 'Remove the previous CAs if nothing depends on them')
    .option('--force', 'remove them even if links or tokens depend on them; these stop working')
    .addOption(DRY_RUN())
    .action(async (name, flags) => (await import('./issuer-rotate.js')).retireCommand(name, flags, context));
  add('trust <NAME>', 'Print the CA certificates that a router has to trust (PEM)').action(
    async (name, flags) => (await import('./issuer-create.js')).trustCommand(name, flags, context),
  );
  add('crl <NAME>', 'Write a signed CRL (PEM) for each of its CAs')
    .option('--to <FILE>', 'file for the CRLs (default: - for standard output)')
    .option('--days <N>', 'validity in days (default: 7)')
    .action(async (name, flags) => (await import('./issuer-crl.js')).crlCommand(name, flags, context));
  add('server-certificate', 'Write a certificate for a router that accepts links')
    .option('--host <HOST>', 'name or address of the router; may be repeated', collect)
    .option('--to <DIR>', 'directory for tls.crt, tls.key and ca.crt')
    .option('--issuer <NAME>', 'CA that signs it (default: the site CA)')
    .action(async (flags) =>
      (await import('./issuer-server-certificate.js')).serverCertificateCommand(flags, context),
    );
}

/** Adds `redemption revoke`, which may change a CA. */
export function addRedemptionRevoke(redemption: Command, context: CommandContext): void {
  addConnectionFlags(
    withSettings(
      redemption
        .command('revoke <ID>')
        .description(
          'Revoke the link of a redemption (by id or subject): refuse its renewals, or cut it off',
        ),
      [...ISSUER_SETTINGS, ...CLUSTER_SETTINGS, ...REMOTE_SETTINGS],
    ),
  )
    .option('--with-token', 'also revoke its signed token')
    .option('--with-grant', 'also revoke its grant')
    .option('--keep-token', 'leave its token and grant redeemable')
    .addOption(DRY_RUN())
    .option('--cut', 'replace the CA step by step, so that the link can no longer connect')
    .option('--continue <STEP>', 'with --cut: number of the last step that you have done')
    .option('--force', 'with --cut: continue even if links have not renewed or no router could be dialed')
    .addOption(
      new Option(
        '--router <PLATFORM>',
        'with --cut: platform of the router (default: that of the service)',
      ).choices(PLATFORMS),
    )
    .action(async (id, flags) =>
      (await import('../redemption/redemption-revoke.js')).revokeCommand(id, flags, context),
    );
}

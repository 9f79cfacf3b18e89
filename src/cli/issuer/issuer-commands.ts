import type { Command } from 'commander';
import { SERVER_SETTINGS, type SettingKey } from '../../config/settings.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import { addConnectionFlags, OUTPUT, withSettings } from '../terminal/command-flags.js';
import { CLUSTER_SETTINGS, collect, STORE_SETTINGS } from '../terminal/settings-options.js';

const ISSUER_SETTINGS: readonly SettingKey[] = [...STORE_SETTINGS, 'issuerCert', 'issuerKey'];

/** Adds `issuer` with its verbs. */
export function addIssuer(
  program: Command,
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): void {
  const issuer = program
    .command('issuer')
    .description('the CAs that sign: listed, made, and changed for others');
  const add = (nameAndArguments: string, description: string) =>
    withSettings(issuer.command(nameAndArguments).description(description), ISSUER_SETTINGS);
  add('list', 'list the CAs, with how many links depend on each')
    .addOption(OUTPUT())
    .action(async (flags) => (await import('./issuer-list.js')).listIssuersCommand(flags, context));
  add('create <NAME>', 'make another CA for links, which grants can name with --issuer').action(
    async (name, flags) => (await import('./issuer-create.js')).createIssuerCommand(name, flags, context),
  );
  add('prepare <NAME>', 'make the CA that will sign next, and let it be trusted').action(
    async (name, flags) => (await import('./issuer-rotate.js')).prepareCommand(name, flags, context),
  );
  add('activate <NAME>', 'let the prepared CA sign; the one before it stays trusted').action(
    async (name, flags) => (await import('./issuer-rotate.js')).activateCommand(name, flags, context),
  );
  add('retire <NAME>', 'remove the CAs that signed before, unless something depends on them')
    .option('--force', 'remove them all the same: what depends on them ends')
    .action(async (name, flags) => (await import('./issuer-rotate.js')).retireCommand(name, flags, context));
  add('trust <NAME>', 'print what a router has to trust for the links of a CA (PEM)').action(
    async (name, flags) => (await import('./issuer-create.js')).trustCommand(name, flags, context),
  );
  add('crl <NAME>', 'write signed lists of its revoked certificates (PEM), one for each of its CAs')
    .option('--to <FILE>', 'file for them (default: - for standard output)')
    .option('--days <N>', 'how long they are good for (default: 7)')
    .action(async (name, flags) => (await import('./issuer-crl.js')).crlCommand(name, flags, context));
  add('server-certificate', 'write a certificate for a router that accepts the links')
    .option('--host <HOST>', 'name or address that links reach the router by; may be repeated', collect)
    .option('--to <DIR>', 'directory for tls.crt, tls.key and ca.crt')
    .option('--issuer <NAME>', 'CA that signs it (default: the site CA)')
    .action(async (flags) => (await import('./issuer.js')).serverCertificateCommand(flags));
}

/** Adds `redemption revoke`, which may change a CA. */
export function addRedemptionRevoke(
  redemption: Command,
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
): void {
  addConnectionFlags(
    withSettings(
      redemption
        .command('revoke <ID>')
        .description('revoke the link of a redemption: end its renewals, or cut it off'),
      [...ISSUER_SETTINGS, ...CLUSTER_SETTINGS, ...SERVER_SETTINGS],
    ),
  )
    .option('--with-token', 'revoke the signed token that it was made of too')
    .option('--with-grant', 'revoke the grant that it was made of too')
    .option('--keep-token', 'let these be redeemed still')
    .option('--cut', 'change the CA step by step, so that the link can connect no more')
    .option('--continue <STEP>', 'with --cut: number of the last step that you have done')
    .option('--force', 'with --cut: continue even if links have not renewed or no router could be dialed')
    .option('--router <PLATFORM>', 'with --cut: what the router runs on (default: as the service)')
    .action(async (id, flags) =>
      (await import('../redemption/redemption-revoke.js')).revokeCommand(id, flags, context),
    );
}

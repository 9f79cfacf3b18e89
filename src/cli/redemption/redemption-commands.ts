import { type Command, Option } from 'commander';
import { OBSERVER_SETTINGS, REMOTE_SETTINGS } from '../../config/setting-groups.js';
import { PLATFORMS } from '../../config/settings.js';
import { LINK_STATES } from '../../domain/issued-certificate.js';
import { addConnectionFlags, addListFlags, DRY_RUN, OUTPUT, withSettings } from '../flags/command-flags.js';
import { addLabelChangeFlags, SELECTOR } from '../flags/label-flags.js';
import { ADMINISTRATION_SETTINGS, CLUSTER_SETTINGS, ISSUER_SETTINGS } from '../terminal/settings-options.js';

/** Adds `redemption` with its subcommands. */
export function addRedemption(program: Command): void {
  const redemption = program.command('redemption').description('List, show, label and revoke redemptions');
  const list = withSettings(redemption.command('list').description('List the redemptions'), [
    ...ADMINISTRATION_SETTINGS,
    ...OBSERVER_SETTINGS,
  ])
    .option('--grant <NAME>', 'of one grant (by name or uid, also a deleted one)')
    .option('--since <TIME>', 'since a time, or within a duration such as 7d')
    .option('--subject <GLOB>', 'only subjects that match this pattern; * and ? are wildcards')
    .option('--search <TEXT>', 'only links with this text in subject, name, grant, labels, note or address')
    .addOption(new Option('--state <STATE>', 'only links in this state').choices(LINK_STATES))
    .option('--overdue', 'only links that are overdue for renewal')
    .option('--signed-by <SHA256>', 'only links whose newest certificate is valid and of this CA')
    .option(
      '--expires-within <TIME>',
      'only valid links that expire within a duration such as 30d, or before a time; the soonest first',
    )
    .addOption(SELECTOR())
    .option('-A, --all-namespaces', 'in all namespaces; only needed in a cluster')
    .addOption(
      new Option('--events', 'the same as `linkgrant ledger list`')
        .hideHelp()
        .conflicts(['selector', 'search', 'state', 'overdue', 'signedBy', 'expiresWithin']),
    );
  addListFlags(list).action(async ({ events, ...flags }) =>
    events
      ? (await import('../ledger/ledger-list.js')).ledgerListCommand(flags)
      : (await import('./redemption-list.js')).redemptionListCommand(flags),
  );
  withSettings(
    redemption.command('show <ID>').description('Show a redemption (by id or subject) and its certificate'),
    [...ADMINISTRATION_SETTINGS, ...OBSERVER_SETTINGS],
  )
    .addOption(OUTPUT())
    .action(async (id, flags) => (await import('./redemption-show.js')).redemptionShowCommand(id, flags));
  addLabelChangeFlags(
    withSettings(
      redemption
        .command('update <ID>')
        .description('Change the labels and the note of a redemption (by id or subject)'),
      ADMINISTRATION_SETTINGS,
    ),
  )
    .addOption(DRY_RUN())
    .addOption(OUTPUT())
    .action(async (id, flags) => (await import('./redemption-update.js')).redemptionUpdateCommand(id, flags));
  addRevoke(redemption);
}

function addRevoke(redemption: Command): void {
  addConnectionFlags(
    withSettings(
      redemption
        .command('revoke <ID...>')
        .description(
          'Revoke the links of redemptions (by id or subject): refuse their renewals, or cut one off',
        ),
      [...ISSUER_SETTINGS, ...CLUSTER_SETTINGS, ...REMOTE_SETTINGS],
    ),
  )
    .option('--with-token', 'also revoke its signed token')
    .option('--with-grant', 'also revoke its grant')
    .option('--keep-token', 'leave its token and grant redeemable')
    .option('--note <TEXT>', 'replace the note')
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
    .action(async (ids, flags) =>
      (await import('./redemption-revoke.js')).redemptionRevokeCommand(ids, flags),
    );
}

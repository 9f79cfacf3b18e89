import { storeAdministration } from '../../compose/administration-dependencies.js';
import { faultText } from '../../redemption/administration/verification-operations.js';
import type { LedgerFault } from '../../redemption/ports/ledger-store.js';
import type { GrantFlags } from '../grant/grant-create.js';
import { namedGrantUid } from '../grant/named-grant.js';
import { refuseServer } from '../session/administration-session.js';
import { localSettingsFrom } from '../session/configuration.js';
import { withStore } from '../session/store-session.js';
import { CommandError } from '../terminal/command-error.js';
import { print } from '../terminal/output.js';
import { withProgress } from '../terminal/progress.js';

const NOT_IN_CLUSTER = {
  reason: 'the ledger of a cluster cannot be verified',
  hint: 'it consists of the Redemptions, without a chain of MACs; RBAC decides who may change them',
};

/** `ledger verify`: verifies the ledger, with `--grant` only the entries of that grant. */
export async function ledgerVerifyCommand(flags: GrantFlags & { readonly grant?: string }): Promise<void> {
  const { output, grant } = flags;
  refuseServer(flags, 'a ledger is verified with a key that is on the host of the service');
  await withStore(localSettingsFrom(flags, NOT_IN_CLUSTER), flags, async (session) => {
    const grantUid = await namedGrantUid(storeAdministration(session), session.namespace, grant);
    const { entries, fault } = await withProgress('Verifying the ledger', (update) =>
      session.store.verifyLedger(grantUid, (checked, total) =>
        update(`Verifying the ledger: ${checked} of ${total} entries`),
      ),
    );
    if (fault) throw faultError(fault);
    const verified = grantUid === undefined ? 'The ledger is' : 'The ledger entries of the grant are';
    const text = `${verified} unchanged: ${entries} ${entries === 1 ? 'entry' : 'entries'}.\n`;
    await print(output, { whole: true, entries }, () => text);
  });
}

function faultError(fault: LedgerFault): CommandError {
  const message = `the ledger is not intact: ${faultText(fault)}`;
  if (fault.isRolledBack) {
    return new CommandError(message, {
      exitCode: 2,
      hint: 'run `linkgrant store restored`, which names the grants that can be redeemed again; see docs/how-to/back-up-and-restore.md',
    });
  }
  return new CommandError(message, {
    exitCode: 1,
    hint: 'the database was changed by another program, or a part of it was restored; see docs/how-to/audit.md',
  });
}

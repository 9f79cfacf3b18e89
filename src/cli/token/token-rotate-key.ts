import { administrationDependencies } from '../../compose/administration-dependencies.js';
import { openCodeKeys } from '../../compose/open-code-keys.js';
import { commandContext } from '../../config/command-context.js';
import { rotateCodeKey, signingMasterKey } from '../../redemption/accepting/rotate-code-keys.js';
import { requireService } from '../../redemption/administration/dependencies.js';
import { signingKeysError } from '../../redemption/administration/once-only.js';
import { withCluster } from '../session/cluster-session.js';
import { configurationFrom } from '../session/configuration.js';
import { withStore } from '../session/store-session.js';
import { usageError } from '../terminal/command-error.js';
import { copyStep } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';

/** The flags of `token rotate-key`. */
export interface TokenRotateKeyFlags {
  readonly dropOld?: boolean;
  readonly yes?: boolean;
  readonly [flag: string]: unknown;
}

/** `token rotate-key`: creates a new master key for signed tokens, and with `--drop-old --yes` removes the previous ones. */
export async function tokenRotateKeyCommand({
  dropOld = false,
  yes,
  ...flags
}: TokenRotateKeyFlags): Promise<void> {
  if (dropOld && !yes) {
    throw usageError(
      '--drop-old permanently invalidates every signed token of every grant',
      'add --yes to confirm; without --drop-old they stay valid until they expire',
    );
  }
  const { settings } = configurationFrom(flags);
  if (settings.platform === 'kubernetes') {
    await withCluster(flags, settings, async ({ administration }) => {
      const { kid } = await administration.rotateCodeKey({ dropOld });
      await reportKeyRotation(kid, dropOld, 'become invalid within 10 seconds');
    });
    return;
  }
  await withStore(settings, flags, async (session) => {
    await requireService(administrationDependencies(session));
    const codeKeys = openCodeKeys(session.dataDir, commandContext().clock);
    // The new key must be in the directory that the service reads: no service would accept tokens of another key.
    if (!(await signingMasterKey(session.store, codeKeys))) throw signingKeysError();
    const { kid } = await rotateCodeKey(session.store, codeKeys, { dropOld });
    await reportKeyRotation(kid, dropOld, 'are invalid from now on');
    await writeOut(copyStep(settings, 'code-keys'));
  });
}

async function reportKeyRotation(kid: string, dropOld: boolean, effect: string): Promise<void> {
  await writeOut(
    [
      `New tokens are signed with key ${kid}, also by a running service.\n`,
      dropOld
        ? `Earlier signed tokens and exported signing keys ${effect}: issue new ones. Existing links stay valid.\n`
        : 'Earlier signed tokens and exported signing keys stay valid. The service removes the old key when no grant needs it.\n',
    ].join(''),
  );
}

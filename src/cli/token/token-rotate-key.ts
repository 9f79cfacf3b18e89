import { administrationDependencies } from '../../compose/administration.js';
import { openCodeKeys } from '../../compose/code-keys.js';
import { rotateCodeKey, signingMasterKey } from '../../redemption/accepting/rotate-code-keys.js';
import { requireService } from '../../redemption/administration/dependencies.js';
import { foreignKeys } from '../../redemption/administration/once-only.js';
import { withCluster } from '../terminal/cluster-session.js';
import { CommandError } from '../terminal/command-error.js';
import { anyConfigurationFrom } from '../terminal/configuration.js';
import { withStore } from '../terminal/store-session.js';
import { writeOut } from '../terminal/write-out.js';

/** The flags of `token rotate-key`. */
export interface TokenRotateKeyFlags {
  readonly dropOld?: boolean;
  readonly yes?: boolean;
  readonly [flag: string]: unknown;
}

/** `token rotate-key`: creates a new master key for signed tokens, and with `--drop-old --yes` removes the previous ones. */
export async function rotateKeyCommand({
  dropOld = false,
  yes,
  ...flags
}: TokenRotateKeyFlags): Promise<void> {
  if (dropOld && !yes) {
    throw new CommandError(
      '--drop-old makes every signed token of every grant useless, at once and for good',
      {
        exitCode: 2,
        hint: 'add --yes if that is what you want; without --drop-old they stay good until they end',
      },
    );
  }
  const { settings } = anyConfigurationFrom(flags);
  if (settings.platform === 'kubernetes') {
    await withCluster(flags, settings, async ({ administration }) => {
      const { kid } = await administration.rotateCodeKey({ dropOld });
      await tellOf(kid, dropOld, 'within 10 seconds');
    });
    return;
  }
  await withStore(flags, async (session) => {
    await requireService(administrationDependencies(session));
    const codeKeys = openCodeKeys(session.dataDir, Date.now);
    // A key in a directory that no service reads would sign useless tokens.
    if (!(await signingMasterKey(session.store, codeKeys))) throw foreignKeys();
    const { kid } = await rotateCodeKey(session.store, codeKeys, { dropOld });
    await tellOf(kid, dropOld, 'from now on');
  });
}

async function tellOf(kid: string, dropOld: boolean, since: string): Promise<void> {
  await writeOut(
    [
      `New tokens are signed under key ${kid}, also by a service that runs.\n`,
      dropOld
        ? `Signed tokens made before, and signing keys that were handed out, are useless ${since}: make new ones. Links that were made stay.\n`
        : 'Signed tokens made before stay good, and signing keys that were handed out go on working. The service removes the old key when no grant needs it.\n',
    ].join(''),
  );
}

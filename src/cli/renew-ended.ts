import { openLinkSide, openOwedReload } from '../link-side.js';
import { openRenewingSide } from '../renewing-side.js';
import { CommandError } from './command-error.js';
import type { CommandContext, LinkTarget } from './link-target.js';
import { failedOf, renewSecrets } from './renew-secrets.js';

/**
 * Renews the links of a target's directory whose certificate has ended: those of a machine that was off for long may still
 * be in time. Rejects with a CommandError for what may pass; what was refused for good is left to a new token.
 */
export async function renewEnded(
  { directory = '', dataDir, connection }: LinkTarget,
  context: CommandContext,
  timeoutMs: number,
): Promise<void> {
  const { links } = openLinkSide(directory, dataDir);
  const reload = openOwedReload(dataDir, directory);
  const renewals = await renewSecrets(
    await links.list(),
    { isWanted: ({ notAfter }) => notAfter <= context.clock() },
    { links, change: (act) => reload.change(act) },
    openRenewingSide(dataDir, { ...connection, ...context, timeoutMs }),
  );
  const passing = failedOf(renewals).find(({ final }) => !final);
  if (!passing) return;
  const { message, hint } = passing.failure;
  throw new CommandError(`link "${passing.links.join(', ')}" has ended and is not renewed yet: ${message}`, {
    exitCode: 4,
    hint,
  });
}

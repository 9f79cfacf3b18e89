import { CommandError } from '../terminal/command-error.js';
import type { CommandContext, StoredLinkTarget } from './link-target.js';
import { failedOf, renewalOf, renewSecrets } from './renew-secrets.js';

/**
 * Renews the links of a target whose certificate has expired: after a machine was off for long, a renewal may still be accepted.
 * Rejects with a CommandError for a temporary failure. A rejected renewal is ignored, because a new token follows.
 */
export async function renewEnded(
  target: StoredLinkTarget,
  context: CommandContext,
  timeoutMs: number,
): Promise<void> {
  const { place, side } = renewalOf(target, context, timeoutMs);
  const isWanted = ({ notAfter }: { readonly notAfter: number }) => notAfter <= context.clock();
  const renewals = await renewSecrets(await place.links.list(), { isWanted }, place, side);
  const passing = failedOf(renewals).find(({ final }) => !final);
  if (!passing) return;
  const { message, hint } = passing.failure;
  throw new CommandError(`link "${passing.links.join(', ')}" has ended and is not renewed yet: ${message}`, {
    exitCode: 4,
    hint,
  });
}

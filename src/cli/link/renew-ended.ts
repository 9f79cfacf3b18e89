import { CommandError } from '../terminal/command-error.js';
import type { CommandContext, StoredLinkTarget } from './link-target.js';
import { failedOf, renewalOf, renewSecrets } from './renew-secrets.js';

/**
 * Renews the links of a target whose certificate has ended: those of a machine that was off for long may still
 * be in time. Rejects with a CommandError for what may pass; what was refused for good is left to a new token.
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

import { CommandError } from '../terminal/command-error.js';
import type { CommandContext, StoredLinkTarget } from './link-target.js';
import { failedOf, renewalOf, renewSecrets } from './renew-secrets.js';

/**
 * Renews the links of a target whose certificate has expired: even after a long pause the service may accept a renewal.
 * Rejects with a CommandError for a temporary failure. A rejected renewal is ignored, because a token is redeemed next.
 */
export async function renewExpired(
  target: StoredLinkTarget,
  context: CommandContext,
  timeoutMs: number,
): Promise<void> {
  const { lockableLinks, dependencies } = renewalOf(target, context, timeoutMs);
  const isSelected = ({ notAfter }: { readonly notAfter: number }) => notAfter <= context.clock();
  const renewals = await renewSecrets(
    await lockableLinks.links.list(),
    { isSelected },
    lockableLinks,
    dependencies,
  );
  const temporary = failedOf(renewals).find(({ final }) => !final);
  if (!temporary) return;
  const { message, hint } = temporary.failure;
  throw new CommandError(
    `link "${temporary.links.join(', ')}" has expired and is not renewed yet: ${message}`,
    {
      exitCode: 4,
      hint,
    },
  );
}

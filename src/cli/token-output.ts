import { encodeAccessToken } from '../domain/access-token-resource.js';
import type { CreatedGrant } from '../redemption/create-grant.js';
import { issueToken } from '../redemption/issue-token.js';
import { CommandError } from './command-error.js';
import { requireLinkAccess } from './link-access.js';
import { orUnmade } from './made-grant.js';
import { requireService, type StoreSession } from './store-session.js';
import { tell } from './tell.js';
import { limitsOf, writeSecretOutput } from './write-token.js';

/**
 * Writes the token of a grant to `target` and says on standard error what it carries. Unless `keepGrant` is set the grant
 * was made for this token, and is deleted again when the token cannot be written, so that nothing is left behind.
 */
export async function writeToken(
  made: CreatedGrant,
  target: string,
  flags: {
    readonly name?: string | undefined;
    readonly linkCost?: number | undefined;
    readonly keepGrant?: boolean;
  },
  session: StoreSession,
): Promise<void> {
  if (flags.keepGrant) return writeTokenOf(made, target, flags, session);
  return orUnmade(made.grant, session, () => writeTokenOf(made, target, flags, session));
}

async function writeTokenOf(
  { grant, code }: CreatedGrant,
  target: string,
  { name, linkCost }: { readonly name?: string | undefined; readonly linkCost?: number | undefined },
  session: StoreSession,
): Promise<void> {
  const service = requireService(session);
  const { endpoints, siteUid } = await requireLinkAccess(session, grant);
  const token = issueToken({ grant, code, name, linkCost, endpoints, siteUid }, service, Date.now);
  if ('rejected' in token) {
    throw new CommandError(`the token was not made: ${token.rejected}`, {
      exitCode: 1,
      hint: 'start the service with --endpoint inter-router=HOST:PORT, or see `linkgrant grant list`',
    });
  }
  await writeSecretOutput(target, encodeAccessToken(token), 'AccessToken');
  const leadsTo = endpoints.map(({ name: role, host, port }) => `${role} ${host}:${port}`).join(', ');
  tell(
    [
      target === '-' ? '' : `Token written to ${target}\n`,
      `Redeemed at ${token.url}\n`,
      `Links to ${leadsTo}\n`,
      `Can be redeemed ${limitsOf(token)}\n`,
    ].join(''),
  );
}

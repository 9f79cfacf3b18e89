import { shell } from '../../domain/shell-words.js';
import type { GrantRevocation } from '../../redemption/administration/reports/grant-report.js';
import { withAdministration } from '../session/administration-session.js';
import { plain } from '../terminal/plain-text.js';
import { completeCommand, completeHint } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';
import type { GrantFlags } from './grant-create.js';

/** `grant revoke`: revokes a grant permanently; with `--cascade` its links too. */
export async function grantRevokeCommand(
  nameOrUid: string,
  { cascade = false, ...flags }: GrantFlags & { readonly cascade?: boolean },
): Promise<void> {
  await withAdministration(flags, async ({ administration, namespace, platform }) => {
    const { uid, name } = await administration.findGrant(namespace, nameOrUid);
    const revocation = await administration.revokeGrant(uid, cascade);
    await writeOut(
      [
        revocation.outcome === 'revoked'
          ? plain`Grant "${name}" is revoked: neither it nor its tokens can be redeemed.\n`
          : plain`Grant "${name}" was already revoked.\n`,
        revocation.links === 0 ? 'It has no valid links.\n' : linksText(revocation, cascade, platform, flags),
      ].join(''),
    );
  });
}

function linksText(
  { links, lastEnd, name }: GrantRevocation,
  cascade: boolean,
  platform: string | undefined,
  flags: GrantFlags,
): string {
  const count = links === 1 ? '1 link' : `${links} links`;
  if (cascade) {
    const stop =
      platform === 'kubernetes'
        ? 'replace the CA of the site'
        : completeHint('run `linkgrant redemption revoke ID --cut`', flags);
    return plain`${count} also revoked: a revoked link cannot be renewed, and its token cannot be redeemed again. Routers accept the certificates until they expire, at the latest ${lastEnd}. To stop that earlier, ${stop}.\n`;
  }
  return plain`${count} of this grant ${links === 1 ? 'stays' : 'stay'} valid and can be renewed; the last certificate expires at ${lastEnd}. To revoke them too: ${completeCommand(shell`linkgrant grant revoke ${name} --cascade`, flags)}\n`;
}

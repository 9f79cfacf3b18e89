import type { GrantRevocation } from '../../redemption/administration/administration.js';
import { withAdministration } from '../terminal/administration-session.js';
import { writeOut } from '../terminal/write-out.js';
import type { GrantFlags } from './grant.js';

/**
 * `grant revoke`: revokes a grant permanently, or reports that it was revoked before. Its links stay valid unless `--cascade`
 * revokes each of them too.
 */
export async function revokeCommand(
  nameOrUid: string,
  { cascade = false, ...flags }: GrantFlags & { readonly cascade?: boolean },
): Promise<void> {
  await withAdministration(flags, async ({ administration, namespace, platform }) => {
    const { uid, name } = await administration.findGrant(namespace, nameOrUid);
    const revocation = await administration.revokeGrant(uid, cascade);
    await writeOut(
      [
        revocation.outcome === 'revoked'
          ? `Grant "${name}" is revoked: neither it nor its tokens can be redeemed.\n`
          : `Grant "${name}" was revoked before.\n`,
        revocation.links === 0 ? 'It has no valid links.\n' : linksText(revocation, cascade, platform),
      ].join(''),
    );
  });
}

function linksText(
  { links, lastEnd, name }: GrantRevocation,
  cascade: boolean,
  platform: string | undefined,
): string {
  const count = links === 1 ? '1 link' : `${links} links`;
  if (cascade) {
    return `${count} revoked with it: none can be renewed or redeemed again. Routers accept their certificates until they end, the last one ${lastEnd}; ${
      platform === 'kubernetes' ? 'another CA for the site' : '`linkgrant redemption revoke ID --cut`'
    } ends that sooner.\n`;
  }
  return `${count} of it ${links === 1 ? 'stays' : 'stay'} valid and can be renewed; the last certificate expires ${lastEnd}. To revoke them too: linkgrant grant revoke ${name} --cascade\n`;
}

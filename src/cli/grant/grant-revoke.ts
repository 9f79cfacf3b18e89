import type { GrantRevocation } from '../../redemption/administration/administration.js';
import { withAdministration } from '../terminal/administration-session.js';
import { writeOut } from '../terminal/write-out.js';
import type { GrantFlags } from './grant.js';

/**
 * `grant revoke`: revokes a grant for good, and says so also of one that was revoked before. Links that were made from it
 * live on, unless `--cascade` revokes each of them too.
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
          ? `Grant "${name}" is revoked: it and its tokens redeem nothing more.\n`
          : `Grant "${name}" was revoked before.\n`,
        revocation.links === 0 ? 'No link of it lives.\n' : linksText(revocation, cascade, platform),
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
    return `${count} revoked with it: none is renewed or answered again. Routers take their certificates until they end, the last one ${lastEnd}; ${
      platform === 'kubernetes' ? 'another CA for the site' : '`linkgrant redemption revoke ID --cut`'
    } ends that sooner.\n`;
  }
  return `${count} of it ${links === 1 ? 'lives' : 'live'} on and can be renewed; the last certificate ends ${lastEnd}. To revoke them too: linkgrant grant revoke ${name} --cascade\n`;
}

import { liveLinks } from '../redemption/live-links.js';
import { type GrantFlags, requireGrant } from './grant.js';
import { formatTime } from './output.js';
import { withStore } from './store-session.js';
import { writeOut } from './write-out.js';

/**
 * `grant revoke`: revokes a grant for good, and says so also of one that was revoked before. Links that were made from it
 * live on, unless `--cascade` revokes each of them too.
 */
export async function revokeCommand(
  nameOrUid: string,
  { cascade = false, ...flags }: GrantFlags & { readonly cascade?: boolean },
): Promise<void> {
  await withStore(flags, async ({ store, namespace }) => {
    const now = Date.now();
    const { uid: grantUid, name } = await requireGrant(store, namespace, nameOrUid);
    let links = 0;
    let lastEnd = 0;
    for await (const { newest } of liveLinks(store, { grantUid }, now)) {
      links += 1;
      lastEnd = Math.max(lastEnd, newest.notAfter);
    }
    const revoked = await store.revokeGrant(grantUid, now, cascade);
    await writeOut(
      [
        revoked
          ? `Grant "${name}" is revoked: it and its tokens redeem nothing more.\n`
          : `Grant "${name}" was revoked before.\n`,
        links === 0 ? 'No link of it lives.\n' : linksText({ links, lastEnd, name, cascade }),
      ].join(''),
    );
  });
}

function linksText(of: {
  readonly links: number;
  readonly lastEnd: number;
  readonly name: string;
  readonly cascade: boolean;
}): string {
  const count = of.links === 1 ? '1 link' : `${of.links} links`;
  const end = formatTime(of.lastEnd);
  if (of.cascade) {
    return `${count} revoked with it: none is renewed or answered again. Routers take their certificates until they end, the last one ${end}; \`linkgrant redemption revoke ID --cut\` ends that sooner.\n`;
  }
  return `${count} of it ${of.links === 1 ? 'lives' : 'live'} on and can be renewed; the last certificate ends ${end}. To revoke them too: linkgrant grant revoke ${of.name} --cascade\n`;
}

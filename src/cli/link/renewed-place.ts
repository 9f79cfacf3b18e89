import { openLinkSide, openOwedReload } from '../../compose/link-side.js';
import { openRenewingSide } from '../../compose/renewing-side.js';
import type { RenewLinkDependencies } from '../../redemption/requesting/renew-link.js';
import type { CommandContext, LinkTarget } from './link-target.js';
import type { RenewedPlace } from './renew-secrets.js';

/** Where the links of a target are renewed, and with what. */
export async function renewedPlaceOf(
  { cluster, directory = '', dataDir, connection }: LinkTarget,
  context: CommandContext,
  timeoutMs?: number,
): Promise<{ readonly place: RenewedPlace; readonly side: Omit<RenewLinkDependencies, 'links'> }> {
  if (cluster) {
    return {
      place: { links: cluster.links, change: (act) => act(cluster.links) },
      side: cluster.renewing,
    };
  }
  const { links } = openLinkSide(directory, dataDir);
  const reload = openOwedReload(dataDir, directory);
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return {
    place: { links, change: (act) => reload.change(act) },
    side: openRenewingSide(dataDir, { ...connection, ...context, ...limit }),
  };
}

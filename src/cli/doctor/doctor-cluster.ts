import type { LinkDialOptions } from '../../compose/links.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { withCluster } from '../terminal/cluster-session.js';
import { CommandError } from '../terminal/command-error.js';
import { asNote } from './doctor-accepting.js';
import { type Check, ok } from './doctor-check.js';
import { acceptingClusterChecks } from './doctor-cluster-accepting.js';
import { requestingClusterChecks } from './doctor-cluster-requesting.js';
import { checksOf } from './doctor-cluster-rights.js';
import { tokenChecks } from './doctor-requesting.js';

/**
 * Checks a namespace of a cluster: with a token the requesting side, else both sides, as far as they are present. Spends no use and
 * writes nothing.
 */
export async function clusterChecks(
  settings: Settings,
  { token, to }: { readonly token: string | undefined; readonly to: string | undefined },
  options: LinkDialOptions,
): Promise<readonly Check[]> {
  if (to !== undefined) {
    throw new CommandError('--to does not go with --platform kubernetes', {
      exitCode: 2,
      hint: "leave it out: links go into the site's namespace",
    });
  }
  return checksOf('cluster', () =>
    withCluster({}, settings, async ({ inspector, namespace }) => {
      // An unreachable API server is one failure, not one for each check.
      await inspector.kinds();
      const reached = ok('cluster', `its API answers; looked at is namespace "${namespace}"`);
      const { openRequestingCluster } = await import('../../compose/requesting-cluster.js');
      const side = await openRequestingCluster(settings, { ...options, checkpoint: () => undefined });
      const requesting = await requestingClusterChecks(side, inspector, options.clock);
      if (token !== undefined) {
        const findLink = async (redeemed: RedeemableToken) =>
          (await side.findPlacedName(redeemed)) ?? (await inspector.redeemedTokenName(redeemed));
        return [reached, ...(await tokenChecks(token, findLink, options)), ...requesting.checks];
      }
      const accepting = await acceptingClusterChecks(inspector, namespace, options);
      // A site may only link to others.
      const isToAccept =
        !requesting.isInUse || accepting.some(({ name, status }) => name === 'site' && status === 'ok');
      return [
        reached,
        ...(isToAccept ? accepting : accepting.map(asNote)),
        ...(requesting.isInUse ? requesting.checks : []),
      ];
    }),
  );
}

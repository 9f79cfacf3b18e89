import type { LinkDialOptions } from '../../compose/links.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { withCluster } from '../terminal/cluster-session.js';
import { CommandError } from '../terminal/command-error.js';
import { downgradeToWarning } from './doctor-accepting.js';
import { type Check, ok } from './doctor-check.js';
import { acceptingClusterChecks } from './doctor-cluster-accepting.js';
import { checksOf } from './doctor-cluster-permissions.js';
import { requestingClusterChecks } from './doctor-cluster-requesting.js';
import { tokenChecks } from './doctor-requesting.js';

/**
 * Checks a namespace of a cluster: with a token the requesting side, else each side that the namespace has. Spends no use and
 * writes nothing.
 */
export async function clusterChecks(
  settings: Settings,
  { token, to }: { readonly token: string | undefined; readonly to: string | undefined },
  options: LinkDialOptions,
): Promise<readonly Check[]> {
  if (to !== undefined) {
    throw new CommandError('--to cannot be combined with --platform kubernetes', {
      exitCode: 2,
      hint: "omit --to: links are written into the site's namespace",
    });
  }
  return checksOf('cluster', () =>
    withCluster({}, settings, async ({ inspector, namespace }) => {
      // An unreachable API server is one failure, not one for each check.
      await inspector.kinds();
      const apiCheck = ok('cluster', `the API server responds; the checked namespace is "${namespace}"`);
      const { openRequestingCluster } = await import('../../compose/requesting-cluster.js');
      const cluster = await openRequestingCluster(settings, { ...options, checkpoint: () => undefined });
      const requesting = await requestingClusterChecks(cluster, inspector, options.clock);
      if (token !== undefined) {
        const findLink = async (redeemed: RedeemableToken) =>
          (await cluster.findSecretName(redeemed)) ?? (await inspector.redeemedTokenName(redeemed));
        return [apiCheck, ...(await tokenChecks(token, findLink, options)), ...requesting.checks];
      }
      const accepting = await acceptingClusterChecks(inspector, namespace, options);
      // A site that only requests links needs no accepting side.
      const acceptsLinks =
        !requesting.isInUse || accepting.some(({ name, status }) => name === 'site' && status === 'ok');
      return [
        apiCheck,
        ...(acceptsLinks ? accepting : accepting.map(downgradeToWarning)),
        ...(requesting.isInUse ? requesting.checks : []),
      ];
    }),
  );
}

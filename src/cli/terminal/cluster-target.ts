import type { Settings } from '../../config/setting-schemas.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import { type ProxySecret, proxySecretData } from '../link/proxy-secret.js';
import { CommandError } from './command-error.js';
import type { connectionOptions } from './connection-flags.js';

/** The namespace of a cluster as the place where a command puts links. */
export async function openClusterTarget(
  { to, reloadCommand }: { readonly to?: string; readonly reloadCommand?: string },
  settings: Settings,
  given: {
    readonly proxy: ProxySecret | undefined;
    readonly connection: ReturnType<typeof connectionOptions>;
  },
  context: { readonly clock: Clock; readonly checkpoint: Checkpoint },
) {
  if (to !== undefined) refuse('--to', "the link goes into the site's namespace");
  if (reloadCommand !== undefined)
    refuse('--reload-command', "Skupper's controller takes up a Link by itself");
  // Large, and of no use elsewhere.
  const { openClusterSide } = await import('../../compose/cluster-side.js');
  const { proxy, connection } = given;
  const cluster = await openClusterSide(settings, { ...connection, ...context });
  const place = cluster.place(proxy && { name: proxy.name, data: proxySecretData(proxy) });
  return {
    side: cluster,
    cluster,
    dataDir: settings.dataDir,
    connection,
    platform: settings.platform,
    ownKey: settings.ownKey,
    namespace: cluster.namespace,
    place,
    materializer: place.materializer,
    ...(proxy && { proxyConfiguration: proxy.name }),
  };
}

function refuse(flag: string, why: string): never {
  throw new CommandError(`${flag} does not go with --platform kubernetes`, {
    exitCode: 2,
    hint: `leave it out: ${why}`,
  });
}
